-- ARGV: channel, instance, share, at_least, within, cooldown, longest, probes, lease,
-- close_after, hash of the settings.
local instance, share, at_least, within =
    ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function voted(ballot, votes, needed)
    save()
    return { ballot, votes, needed, standing() }
end

prune(VOTES, now - within, now)
-- Votes are of members alone. Leaving takes the vote along; only a lapse does not.
if n('mx') > 0 and now - n('mx') <= within then
    redis.call('ZINTERSTORE', VOTES, 2, VOTES, MEMBERS, 'WEIGHTS', 1, 0)
    redis.call('PEXPIRE', VOTES, within + SPARE)
end
if not redis.call('ZSCORE', MEMBERS, instance) then
    return voted('no member', 0, 0)
end
if is_open() then
    return voted('open', 0, 0)
end
if s.h == 'd' and (n('da') > now or now - n('da') < n('tx')) then
    return voted('dissolved', 0, 0)
end
redis.call('ZADD', VOTES, now, instance)
set('at', math.max(n('at'), now))
redis.call('PEXPIRE', VOTES, within + SPARE)
local votes = redis.call('ZCARD', VOTES)
local sum = share * n('p') + 999999
local needed = math.max((sum - sum % 1000000) / 1000000, at_least)
if n('b') > now or now - n('b') < SETTLED then
    return voted('too early', votes, needed)
end
if votes >= needed then
    set('f', redis.call('ZRANGE', VOTES, 0, 0, 'WITHSCORES')[2])
    set('tc', ARGV[6])
    set('tx', ARGV[7])
    set('tp', ARGV[8])
    set('tl', ARGV[9])
    set('ta', ARGV[10])
    set('ts', ARGV[11])
    set('ov', votes)
    set('on', needed)
    set('ee', '')
    set('ha', '')
    open(0)
    redis.call('DEL', VOTES)
    tell('changed', standing())
    return voted('opened', votes, needed)
end
local half = tonumber(s.ha)
if votes * 2 >= needed and (not half or half > now or now - half >= within) then
    set('ha', now)
    tell('half', { votes, needed, within })
end
return voted('counted', votes, needed)
