-- ARGV: channel, instance, epoch, token, whether the probe passed.
local instance, epoch, passed = ARGV[2], tonumber(ARGV[3]), ARGV[5] == '1'

local function settle()
    local lease = instance .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
    if redis.call('ZREM', LEASES, lease) == 0 or not is_open() then
        return 'void'
    end
    if epoch ~= n('e') then
        if s.ee ~= ARGV[3] then
            return 'void'
        end
        -- A second opinion.
        if not passed then
            set('et', n('et') + 1)
        elseif s.ei ~= instance then
            close('d')
            return 'dissolved'
        end
        return 'void'
    end
    local good, instances, probes = {}, 0, 0
    for name, count in string.gmatch(s.g or '', '([^ ]+) (%d+)') do
        good[name] = tonumber(count)
    end
    good[instance] = passed and (good[instance] or 0) + 1 or nil
    local list = {}
    for name, count in pairs(good) do
        instances = instances + 1
        probes = probes + count
        list[#list + 1] = name .. ' ' .. count
    end
    if passed then
        set('g', table.concat(list, ' '))
        if probes >= n('ta') and (instances >= 2 or n('p') < 2) then
            close('c')
            return 'closed'
        end
        return 'pending'
    end
    if instances > 0 then
        set('g', table.concat(list, ' '))
        close('d')
        return 'dissolved'
    end
    set('ee', ARGV[3])
    set('ei', instance)
    set('et', 1)
    open(math.min(n('l') + 1, 32))
    return 'reopened'
end

local verdict = settle()
save()
if verdict == 'closed' or verdict == 'dissolved' or verdict == 'reopened' then
    tell('changed', standing())
end
return { verdict, standing() }
