--[[
  What came of a call: counted, and reported to the account's breaker.

  KEYS[1] the hash of an account's limits and breaker, as take-call-2.lua has it
  KEYS[2] the hash of counts: `n <bucket> <outcome>`, `le <bucket> <class of duration>`, `ms <bucket>`

  ARGV bucket, outcome, 'good', 'bad' or 'none', the probe's name or '', milliseconds it took, their class,
       failures in a row that open, milliseconds for which it opens first, and at most,
       milliseconds for which the bucket is held or '0', and at most

  Returns 'opened', 'closed' or 'same'.
]]
local bucket, outcome, health, probe = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('HINCRBY', KEYS[2], 'n ' .. bucket .. ' ' .. outcome, 1)
redis.call('HINCRBY', KEYS[2], 'le ' .. bucket .. ' ' .. ARGV[6], 1)
redis.call('HINCRBY', KEYS[2], 'ms ' .. bucket, ARGV[5])

local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local function after(ms) return string.format('%.0f', nowMs + ms) end
if ARGV[10] ~= '0' then
  -- Of several that were under way together one may name a longer time than the next.
  local field = 'held ' .. bucket
  local before = tonumber(redis.call('HGET', KEYS[1], field) or 0)
  if before > nowMs + ARGV[11] then before = 0 end
  redis.call('HSET', KEYS[1], field, string.format('%.0f', math.max(before, nowMs + tonumber(ARGV[10]))))
end

local known = redis.call('HMGET', KEYS[1], 'retryAt', 'probe', 'failures')
local isOpen, isProbe = known[1], probe ~= '' and known[2] == probe

-- What was under way when it opened says nothing of now.
if isOpen and not isProbe then return 'same' end

if health == 'good' then
  if isOpen then
    redis.call('HDEL', KEYS[1], 'retryAt', 'opened', 'failures', 'probe', 'probeUntil')
    return 'closed'
  end
  if known[3] then redis.call('HDEL', KEYS[1], 'failures') end
  return 'same'
end

if isProbe then redis.call('HDEL', KEYS[1], 'probe', 'probeUntil') end
if health == 'none' then return 'same' end

local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if not isOpen and failures < tonumber(ARGV[7]) then return 'same' end
local opened = redis.call('HINCRBY', KEYS[1], 'opened', 1)
local openMs = math.min(tonumber(ARGV[8]) * 2 ^ math.min(opened - 1, 30), tonumber(ARGV[9]))
redis.call('HSET', KEYS[1], 'retryAt', after(openMs))
return 'opened'
