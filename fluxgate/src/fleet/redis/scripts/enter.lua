-- ARGV: channel, instance, lifetime.
local instance, lifetime = ARGV[2], tonumber(ARGV[3])
if redis.call('ZCARD', MEMBERS) == 0 then
    set('b', now)
    if redis.call('EXISTS', VOTES) == 1 then
        -- They may be those of members that are gone.
        set('mx', now)
    end
end
set('ml', math.max(n('ml'), lifetime))
redis.call('ZADD', MEMBERS, now + lifetime, instance)
redis.call('PEXPIRE', MEMBERS, n('ml') + SPARE)
note_peak()
keep()
save()
return { standing(), math.max(now - n('b'), 0) }
