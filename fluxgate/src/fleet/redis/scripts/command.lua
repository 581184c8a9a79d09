-- ARGV: channel, the command or `withdrawn`, by whom.
set('c', ARGV[2])
set('cb', ARGV[3])
change()
keep()
save()
tell('changed', standing())
return standing()
