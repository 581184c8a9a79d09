-- ARGV: channel, instance, epoch, token.
redis.call('ZREM', LEASES, ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
save()
return 1
