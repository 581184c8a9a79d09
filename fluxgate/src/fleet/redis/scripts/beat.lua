-- KEYS: changes, agents (sorted sets). ARGV: instance, since, how many changes are told,
-- for how long the heartbeat holds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local CHANGES, AGENTS = KEYS[1], KEYS[2]
local instance, since, most, life =
    ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

redis.call('ZREMRANGEBYSCORE', AGENTS, '-inf', string.format('%.0f', now))
redis.call('ZREMRANGEBYSCORE', AGENTS, string.format('(%.0f', now + life), '+inf')
local known = redis.call('ZADD', AGENTS, now + life, instance) == 0
redis.call('PEXPIRE', AGENTS, life + 60000)

local last = redis.call('ZRANGE', CHANGES, -1, -1, 'WITHSCORES')
local number = tonumber(last[2]) or 0
if since > number then
    -- Everything was lost, and is counted anew.
    since = 0
end
local changes = {}
if number > since then
    local newer = redis.call('ZRANGEBYSCORE', CHANGES, string.format('(%.0f', since), '+inf',
        'WITHSCORES', 'LIMIT', 0, most + 1)
    for i = 1, math.min(#newer, 2 * most), 2 do
        changes[#changes + 1] = newer[i]
    end
    if #newer > 2 * most then
        number = tonumber(newer[2 * most])
    end
end
return { known and 1 or 0, number, redis.call('ZCARD', AGENTS), changes }
