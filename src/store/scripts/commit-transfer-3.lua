--[[
  Commits what decide() concluded from one receipt: receipt, state and event, all or nothing.

  KEYS[1] the transfer's record   KEYS[2] the receipt   KEYS[3] the partition's event log

  ARGV[1] the version that was decided on   ARGV[2] the receipt's record
  ARGV[3] the transfer's new record, or '' where nothing changes
  ARGV[4] the event, or ''   ARGV[5] the wake channel   ARGV[6] the partition

  A record begins with its version and a space.

  Returns {1}                       committed
          {0}                       the transfer has moved on: read and decide again
          {2, the receipt's record} this receipt is recorded already; nothing changed
]]
local recorded = redis.call('GET', KEYS[2])
if recorded then
  return { 2, recorded }
end

local record = redis.call('GET', KEYS[1])
if not record or string.match(record, '^(%d+) ') ~= ARGV[1] then
  return { 0 }
end

redis.call('SET', KEYS[2], ARGV[2])
if ARGV[3] ~= '' then
  redis.call('SET', KEYS[1], ARGV[3])
end
if ARGV[4] ~= '' then
  redis.call('XADD', KEYS[3], '*', 'e', ARGV[4])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
end
return { 1 }
