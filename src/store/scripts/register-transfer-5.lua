--[[
  Registers a transfer, once. What was parked under its reference becomes ready in the same step, so that no callback
  can fall between "not registered yet" and "registered".

  KEYS[1] the transfer's record      KEYS[3] the partition's ready hash
  KEYS[2] what is parked for it      KEYS[4] the partition's event log
  KEYS[5] the transfers to the same beneficiary (sorted set, by time)

  ARGV[1] the record   ARGV[2] the event   ARGV[3] the wake channel   ARGV[4] the partition
  ARGV[5] the transfer's id   ARGV[6] the time

  Returns {1, number of receipts made ready}  registered
          {0, the record that is there}       registered already; nothing changed
]]
local existing = redis.call('GET', KEYS[1])
if existing then
  return { 0, existing }
end

redis.call('SET', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[4], '*', 'e', ARGV[2])
redis.call('ZADD', KEYS[5], ARGV[6], ARGV[5])

local parked = redis.call('HGETALL', KEYS[2])
for i = 1, #parked, 2 do
  redis.call('HSET', KEYS[3], parked[i], parked[i + 1])
end
redis.call('DEL', KEYS[2])

redis.call('PUBLISH', ARGV[3], ARGV[4])
return { 1, #parked / 2 }
