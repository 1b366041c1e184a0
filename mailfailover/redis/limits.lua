-- What is left of the rate and the quota of one account's link, for all processes at once.
--
-- KEYS[1] is a hash, ARGV[1] the question as JSON. `limits.py` in mailfailover/_health does the
-- same in one process. The constants in capitals are put before this text by its loader. Times
-- are Redis's own, in seconds. Numbers are returned as text, because Redis cuts fractions off.

local hash = KEYS[1]
local call = cjson.decode(ARGV[1])
local least, most = call.least, call.most

local function clock()
  local time = redis.call('TIME')
  return time[1] + time[2] / 1000000
end

local now = call.now or clock()

local function text(number)
  return string.format('%.17g', number)
end

local known = redis.call('HMGET', hash, 'tokens', 'filled', 'period', 'number', 'used')
local tokens = tonumber(known[1] or 'inf') or math.huge
local filled = tonumber(known[2] or '0')
local period, number, used = tonumber(known[3] or '0'), tonumber(known[4] or '-1'), tonumber(known[5] or '0')
local kept = 0

local count, wait = most, 0

local function by_rate(rate)
  local full, length = rate[1], rate[2]
  tokens = math.min(full, tokens + (now - filled) * full / length)
  filled = now
  kept = math.max(kept, length)
  if tokens + ALMOST >= math.min(least, full) then
    count = math.max(least, math.min(count, math.floor(tokens + ALMOST)))
    return
  end
  local worth = math.max(least, math.min(most, math.floor(full / length)))
  wait = math.max(wait, (math.min(worth, full) - tokens) * length / full)
end

local function by_quota(quota)
  local all, length = quota[1], quota[2]
  local current = math.floor(now / length)
  if period ~= length or number ~= current then
    period, number, used = length, current, 0
  end
  kept = math.max(kept, length)
  local left = all - used
  if least > all then
    wait = math.huge
  elseif left >= least then
    count = math.min(count, left)
  else
    wait = math.max(wait, (current + 1) * length - now)
  end
end

if call.rate then
  by_rate(call.rate)
end
if call.quota then
  by_quota(call.quota)
end
if wait > 0 then
  return {0, text(wait)}
end
if not call.look then
  redis.call(
    'HSET', hash,
    'tokens', text(tokens - count), 'filled', text(filled),
    'period', text(period), 'number', text(number), 'used', text(used + count)
  )
  redis.call('EXPIRE', hash, string.format('%d', math.ceil(2 * kept) + 1))
end
return {count, text(0)}
