-- ARGV: channel, instance, epoch.
local instance, epoch = ARGV[2], tonumber(ARGV[3])

local function lease()
    if not is_open() or n('e') ~= epoch then
        return 'stale'
    end
    local held = redis.call('ZRANGE', LEASES, 0, -1)
    if now < n('u') then
        -- It may be for a second opinion on the earlier epoch.
        local is_second = (s.ee or '') ~= '' and s.ei ~= instance
            and now < math.max(n('u') - n('w'), 0) + grace()
            and n('et') + #held < n('tp')
        if not is_second then
            return 'early'
        end
        epoch = n('ee')
    end
    if #held >= n('tp') then
        return 'full'
    end
    for _, lease in ipairs(held) do
        if string.match(lease, '^[^ ]+') == instance then
            return 'full'
        end
    end
    set('k', n('k') + 1)
    redis.call('ZADD', LEASES, now + n('tl'), instance .. ' ' .. text(epoch) .. ' ' .. text(n('k')))
    redis.call('PEXPIRE', LEASES, n('tl') + SPARE)
    return 'granted'
end

local answer = lease()
save()
return { answer, epoch, n('k'), standing() }
