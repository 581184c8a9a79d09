-- ARGV: channel.
save()
return standing()
