-- ARGV: channel, instance, epoch.
local instance, epoch = ARGV[2], tonumber(ARGV[3])

local function lease()
    if not is_open() or n('e') ~= epoch then
        return 'stale'
    end
    if now < n('u') then
        return 'early'
    end
    local held = redis.call('ZRANGE', LEASES, 0, -1)
    if #held >= n('tp') then
        return 'full'
    end
    for _, lease in ipairs(held) do
        if string.match(lease, '^[^ ]+') == instance then
            return 'full'
        end
    end
    set('k', n('k') + 1)
    local lease = instance .. ' ' .. text(epoch) .. ' ' .. text(n('k'))
    redis.call('ZADD', LEASES, now + n('tl'), lease)
    redis.call('PEXPIRE', LEASES, n('tl') + SPARE)
    return 'granted'
end

local answer = lease()
save()
return { answer, n('k'), standing() }
