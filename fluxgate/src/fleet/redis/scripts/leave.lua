-- ARGV: channel, instance.
redis.call('ZREM', MEMBERS, ARGV[2])
redis.call('ZREM', VOTES, ARGV[2])
for _, lease in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    if string.match(lease, '^[^ ]+') == ARGV[2] then
        redis.call('ZREM', LEASES, lease)
    end
end
save()
return 1
