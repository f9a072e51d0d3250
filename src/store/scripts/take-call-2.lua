--[[
  A turn to call a provider, or why there is none. All processes share it, so it goes by Redis's own clock.

  KEYS[1] the hash of an account's limits and breaker:
          `at <limit>`     when what was taken of a limit is worked off, in microseconds
          `held <bucket>`  until when the provider wants nothing of this kind, in milliseconds
          `failures`       how many in a row
          `opened`         how often the breaker has opened without having closed
          `retryAt`        set while it is not closed: from then on one may try
          `probe`          who tries, `probeUntil` for how long at most
  KEYS[2] the hash of counts

  ARGV bucket, '1' where it may be the one that tries, the longest wait in microseconds, how long a probe lasts in
       milliseconds, its name, for how long others leave the trying to those who may, for how long the breaker opens at
       most, for how long a bucket is held at most;
       then of each limit its field, the microseconds from one call to the next, and how far ahead it may be used

  A time that lies further ahead than it can have been set is not believed: a clock that was wrong and is right again, or
  another server's, must not shut an account for as long as it was off.

  Returns {'granted', milliseconds to wait}, {'probe', the same}, {'limited', milliseconds} or {'open', milliseconds}.
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local nowMs = math.floor(now / 1000)
local bucket, mayProbe, waitMax = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'retryAt', 'probeUntil', 'held ' .. bucket)
local function believed(text, last)
  local at = tonumber(text)
  return at <= last and at or 0
end

local isProbe = false
if known[1] then
  local free = believed(known[1], nowMs + ARGV[7])
  if not mayProbe then free = free + tonumber(ARGV[6]) end
  if known[2] then free = math.max(free, believed(known[2], nowMs + ARGV[4])) end
  if nowMs < free then
    redis.call('HINCRBY', KEYS[2], 'n ' .. bucket .. ' breaker-open', 1)
    return { 'open', free - nowMs }
  end
  isProbe = true
end

local start = now
if known[3] then start = math.max(start, believed(known[3], nowMs + ARGV[8]) * 1000) end
local ends = {}
for i = 9, #ARGV, 3 do
  local ahead = tonumber(ARGV[i + 2])
  local at = believed(redis.call('HGET', KEYS[1], ARGV[i]) or 0, now + waitMax + ARGV[i + 1] + ahead)
  ends[#ends + 1] = at
  start = math.max(start, at - ahead)
end
local waitMs = math.ceil((start - now) / 1000)
if start - now > waitMax then
  redis.call('HINCRBY', KEYS[2], 'n ' .. bucket .. ' limited', 1)
  return { 'limited', waitMs }
end

for i, at in ipairs(ends) do
  local arg = 6 + 3 * i
  local used = math.max(at, start) + tonumber(ARGV[arg + 1])
  redis.call('HSET', KEYS[1], ARGV[arg], string.format('%.0f', used))
end
if not isProbe then return { 'granted', waitMs } end
redis.call('HSET', KEYS[1], 'probe', ARGV[5], 'probeUntil', string.format('%.0f', nowMs + ARGV[4]))
return { 'probe', waitMs }
