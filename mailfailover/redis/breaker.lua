-- The breaker of one account, for all processes at once.
--
-- KEYS[1] is a hash, KEYS[2] a sorted set of the From domains that are refused, by the time until
-- when. ARGV[1] is the command, ARGV[2] its arguments as JSON. `breaker.py` in mailfailover/_health
-- does the same in one process. The constants in capitals are put before this text by its loader.
-- Times are Redis's own, in seconds. Numbers are returned as text, because Redis cuts fractions off.

local hash, senders = KEYS[1], KEYS[2]
local call = cjson.decode(ARGV[2])

local function clock()
  local time = redis.call('TIME')
  return time[1] + time[2] / 1000000
end

local now = call.now or clock()

local function text(number)
  return string.format('%.17g', number)
end

-- The state: read at once, written back at the end where it was changed.

local BEGINNING = {
  generation = -1,
  reason = '',
  detail = '',
  held = 0,
  leased = 0,
  cooldown = 0,
  opens = OPEN_SECONDS,
  streak = 0,
  success = -math.huge,
}
local names, state, changed = {}, {}, {}

for name in pairs(BEGINNING) do
  names[#names + 1] = name
end
for index, value in ipairs(redis.call('HMGET', hash, unpack(names))) do
  local first = BEGINNING[names[index]]
  state[names[index]] = not value and first or type(first) == 'number' and tonumber(value) or value
end

local known = state.generation >= 0

local function set(name, value)
  if state[name] ~= value then
    state[name] = value
    changed[name] = true
  end
end

local function save()
  local values = {}
  for name in pairs(changed) do
    local value = state[name]
    values[#values + 1] = name
    values[#values + 1] = type(value) == 'number' and text(value) or value
  end
  if #values == 0 then
    return
  end
  redis.call('HSET', hash, unpack(values))
  if state.reason == 'isolated' and state.held == 0 then
    redis.call('PERSIST', hash)
  else
    local last = math.max(now, state.held, state.cooldown)
    redis.call('EXPIRE', hash, string.format('%d', math.ceil(last - now) + KEEP_SECONDS))
  end
end

-- The window: a field for each second, which the same second of the next minute takes over.

local slots = {}
for slot = 0, WINDOW - 1 do
  slots[#slots + 1] = 'second:' .. slot
end

local function count(calls, failures)
  local second = math.floor(now)
  local slot = 'second:' .. second % WINDOW
  local before = redis.call('HGET', hash, slot) or ''
  local when, called, failed = before:match('^(%d+) (%d+) (%d+)$')
  if tonumber(when) == second then
    calls, failures = calls + called, failures + failed
  end
  redis.call('HSET', hash, slot, string.format('%d %d %d', second, calls, failures))
end

local function window()
  local calls, failures = 0, 0
  for _, value in ipairs(redis.call('HMGET', hash, unpack(slots))) do
    if value then
      local when, called, failed = value:match('^(%d+) (%d+) (%d+)$')
      if tonumber(when) > now - WINDOW then
        calls, failures = calls + called, failures + failed
      end
    end
  end
  return calls, failures
end

-- The answers.

local function ticket(lease)
  return {'ticket', text(state.generation), text(lease)}
end

local function hold(reason, till, detail)
  return {'hold', reason, text(till - now), detail}
end

-- Until when it is isolated; 0 is for ever.
local function isolated_until()
  return state.held == 0 and math.huge or state.held
end

local function lease()
  if state.reason == 'isolated' then
    return hold('isolated', isolated_until(), '')
  end
  if now < state.leased then
    return hold('probing', state.leased, state.detail)
  end
  set('leased', now + call.lease)
  return ticket(state.leased)
end

-- The transitions.

local function change(reason, till)
  set('reason', reason)
  set('held', till)
  set('leased', 0)
  set('generation', state.generation + 1)
  set('streak', 0)
end

local function stale()
  return call.generation ~= state.generation
end

local function release()
  if call.lease == state.leased and not stale() then
    set('leased', 0)
  end
end

local function succeeded()
  if stale() then
    return false
  end
  release()
  set('success', math.max(state.success, now - call.age))
  set('streak', 0)
  local came_back = state.reason ~= ''
  if came_back then
    change('', 0)
    set('opens', OPEN_SECONDS)
    redis.call('HDEL', hash, unpack(slots))
  end
  if call.lease > 0 then -- it was called in spite of every hold, and it went well
    set('cooldown', 0)
    redis.call('ZREM', senders, call.domain)
  end
  count(1, 0)
  return came_back
end

local function is_slow()
  return call.duration >= SLOW and state.success <= now - call.age
end

local function is_failing()
  local calls, failures = window()
  return state.streak >= FAST_FAILURES
    or calls >= WINDOW_CALLS and failures >= FAILURE_RATE * calls
end

local function failed()
  if stale() then
    return false
  end
  release()
  count(1, 1)
  set('streak', state.streak + 1)
  if state.reason == 'account' and now < state.held then
    return false -- a forced call: whatever was wrong with the account still is
  end
  if state.reason == '' and not is_slow() and not is_failing() then
    return false
  end
  set('detail', call.detail)
  change('open', now + math.min(state.opens * call.jitter, MAX_OPEN_SECONDS))
  set('opens', math.min(2 * state.opens, MAX_OPEN_SECONDS))
  return true
end

local function parked()
  if stale() then
    return false
  end
  if call.penalty == 'account' then
    set('detail', call.detail)
    change('account', now + ACCOUNT_SECONDS)
    return true
  end
  succeeded() -- an answer that is no failure proves it to be up
  if call.penalty == 'sender' then
    redis.call('ZREMRANGEBYSCORE', senders, '-inf', text(now))
    redis.call('ZADD', senders, text(now + ACCOUNT_SECONDS), call.domain)
    redis.call('EXPIRE', senders, string.format('%d', ACCOUNT_SECONDS + KEEP_SECONDS))
  elseif call.penalty == 'cooldown' then
    set('detail', call.detail)
    set('cooldown', math.max(state.cooldown, now + call.seconds))
  end
  return call.penalty ~= 'none'
end

-- Successes of calls that nobody waited for, told with whatever comes next.
local function earlier()
  local successes = call.successes
  if successes and successes.generation == state.generation then
    set('success', math.max(state.success, now - successes.age))
    set('streak', 0)
    count(successes.count, 0)
  end
end

local function ask()
  if state.reason == 'isolated' then
    return hold('isolated', isolated_until(), state.detail)
  end
  if state.reason ~= '' and now < state.held then
    return hold(state.reason, state.held, state.detail)
  end
  if now < state.cooldown then
    return hold('cooldown', state.cooldown, state.detail)
  end
  local refused = tonumber(redis.call('ZSCORE', senders, call.domain) or 0)
  if now < refused then
    return hold('sender', refused, 'the sender was refused')
  end
  if state.reason ~= '' then
    return lease()
  end
  return ticket(0)
end

local function stand()
  if state.reason == 'isolated' and state.held == 0 then
    return state.reason, ''
  end
  if state.reason ~= '' then
    return state.reason, text(math.max(0, state.held - now))
  end
  if now < state.cooldown then
    return 'cooldown', text(state.cooldown - now)
  end
  return 'closed', text(0)
end

local function describe()
  local reason, left = stand()
  local detail = (reason == 'closed' or reason == 'isolated') and '' or state.detail
  local calls, failures = window()
  local found = {reason, left, calls, failures, detail}
  local refused = redis.call('ZRANGEBYSCORE', senders, '(' .. text(now), '+inf', 'WITHSCORES')
  for index = 1, #refused, 2 do
    found[#found + 1] = refused[index]
    found[#found + 1] = text(tonumber(refused[index + 1]) - now)
  end
  return found
end

local function isolate()
  change('isolated', call.seconds and now + call.seconds or 0)
end

local function reset()
  redis.call('DEL', hash, senders)
  local generation = state.generation + 1
  for name, value in pairs(BEGINNING) do
    state[name] = value
  end
  changed = {}
  set('generation', generation)
end

local COMMANDS = {
  ask = ask,
  describe = describe,
  failed = failed,
  force = lease,
  isolate = isolate,
  parked = parked,
  release = release,
  reset = reset,
  succeeded = succeeded,
}

if not known then
  if ARGV[1] == 'describe' then
    return false
  end
  -- Beyond any number that was here before all was forgotten, and small enough to be exact.
  set('generation', math.floor(now * 1000))
end
if state.reason == 'isolated' and state.held > 0 and now >= state.held then
  change('', 0)
end
earlier()
local answer = COMMANDS[ARGV[1]]()
save()
return answer
