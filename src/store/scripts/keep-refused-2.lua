--[[
  Keeps one refused callback and lets go of what is too old or too many. Ids sort by the time at which they were minted,
  so the index needs no other order.

  KEYS[1] the account's index (sorted set, all of one score)   KEYS[2] its entries (hash, by id)

  ARGV[1] the id   ARGV[2] the entry   ARGV[3] how many are kept
  ARGV[4] the least id that is not too old   ARGV[5] milliseconds after which even the newest is too old

  Returns the number of entries that were let go.
]]
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])

local gone = redis.call('ZRANGEBYLEX', KEYS[1], '-', '(' .. ARGV[4])
local surplus = redis.call('ZCARD', KEYS[1]) - #gone - tonumber(ARGV[3])
if surplus > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], #gone, #gone + surplus - 1)) do
    table.insert(gone, id)
  end
end
for _, id in ipairs(gone) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end

redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return #gone
