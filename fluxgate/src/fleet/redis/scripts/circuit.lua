-- What all scripts about one circuit begin with. `fleet/store.rs` says what they do.
--
-- KEYS: state (hash), votes, members and leases (sorted sets), all in one slot.
-- ARGV[1]: the channel of the circuit's notices.
--
-- Fields of the state:
--   v version            h phase: q(uiet), o(pen), c(losed), d(issolved)
--   e epoch              u until          w wait            l level
--   ov, on  the votes that opened the epoch, and those needed       f time of the first
--   ts settings' hash, tp probes, tl lease, ta close_after, tc cooldown, tx longest: terms
--   g good probes, `instance count …`     da epoch ended without an opening at
--   ee, ei epoch and instance of an earlier failure, et how many told of it
--   k last token         c, cb command in force, and by whom        ha half noticed at
--   b born               p, pa highest number of members, noted at
--   ml lifetime of memberships            mx a member lapsed at     ku kept until
--   at when anything of the circuit was written last

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local STATE, VOTES, MEMBERS, LEASES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local KEPT, SETTLED, PEAK = 86400000, 15000, 60000
-- A key lives a while longer than the last of what is in it, which is looked at by its
-- own time.
local SPARE = 60000

local s, written, is_kept = {}, {}, false

local function n(field)
    return tonumber(s[field]) or 0
end

local function set(field, value)
    s[field] = value
    written[#written + 1] = field
    written[#written + 1] = value
end

local function text(number)
    return string.format('%.0f', number)
end

-- A circuit lives and dies as a whole: what an eviction has left of it is of no use.
local exists = false
do
    local fields = redis.call('HGETALL', STATE)
    for i = 1, #fields, 2 do
        s[fields[i]] = fields[i + 1]
    end
    exists = #fields > 0 and n('ku') >= now
    if not exists then
        s = {}
        redis.call('DEL', STATE, VOTES, MEMBERS, LEASES)
    elseif n('ku') > now + KEPT then
        set('ku', now + KEPT)
    end
end

local function keep()
    exists, is_kept = true, true
    set('ku', now + KEPT)
end

-- Writes what has changed. Nothing is kept of a circuit that has nothing to keep.
local function save()
    if exists and #written > 0 then
        set('at', math.max(n('at'), now))
        redis.call('HSET', STATE, unpack(written))
    end
    if is_kept then
        redis.call('PEXPIRE', STATE, KEPT + SPARE)
    end
end

local function change()
    set('v', math.max(n('v') + 1, now))
end

local function is_open()
    return s.h == 'o'
end

local function grace()
    return math.max(2 * n('tl'), 10000)
end

local function says_until()
    return n('u') + grace()
end

local function note_peak()
    local members = redis.call('ZCARD', MEMBERS)
    if members >= n('p') or n('pa') > now or now - n('pa') >= PEAK then
        set('p', members)
        set('pa', now)
    end
end

-- Drops what is over, and what is further in the future than it could be: of members and
-- votes there is such only while the clock is behind what was written.
local is_back = n('at') > now
local function prune(key, past, future)
    local dropped = redis.call('ZREMRANGEBYSCORE', key, '-inf', text(past))
    if is_back or key == LEASES then
        dropped = dropped + redis.call('ZREMRANGEBYSCORE', key, '(' .. text(future), '+inf')
    end
    return dropped
end

if exists then
    if prune(MEMBERS, now, now + n('ml')) > 0 then
        set('mx', now)
    end
    note_peak()
    if s.e then
        prune(LEASES, now, now + n('tl'))
    end
    if is_open() and (now >= says_until() or n('u') > now + n('w')) then
        set('h', 'q')
        set('l', 0)
        change()
    end
end

-- Begins an epoch on the terms in the state.
local function open(level)
    change()
    local wait = math.min(n('tc') * 2 ^ level, n('tx'))
    set('e', n('v'))
    set('h', 'o')
    set('l', level)
    set('w', wait)
    set('u', now + wait)
    set('g', '')
    keep()
end

-- Ends the epoch.
local function close(phase)
    set('h', phase)
    set('da', now)
    set('l', 0)
    change()
end

local function standing()
    local remaining, say = 0, 0
    if is_open() then
        remaining = math.max(n('u') - now, 0)
        say = math.max(says_until() - now, 0)
    end
    local first = 0
    if n('e') > 0 then
        first = math.max(now - n('f'), 0)
    end
    return {
        n('v'), n('e'), s.h or 'q', remaining, say, n('w'), n('l'), n('ov'), n('on'), first,
        s.ts or '0', n('tp'), n('tl'), n('p'), s.c or '', s.cb or '',
    }
end

-- A message is a line: the version of messages, what it is, and its fields. Who gave a
-- command is the last, since it can hold blanks.
local function tell(kind, fields)
    for i, field in ipairs(fields) do
        if type(field) == 'number' then
            fields[i] = text(field)
        elseif field == '' then
            fields[i] = '-'
        end
    end
    redis.call('PUBLISH', ARGV[1], '1 ' .. kind .. ' ' .. table.concat(fields, ' '))
end
