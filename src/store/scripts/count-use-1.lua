--[[
  Adds counts by name, and moves the time of the last use forward, never back.

  KEYS[1] the hash: `n:<name>` holds the count, `t:<name>` the time

  ARGV name, count, time; again for each name

  Returns the number of names.
]]
for i = 1, #ARGV, 3 do
  redis.call('HINCRBY', KEYS[1], 'n:' .. ARGV[i], ARGV[i + 1])
  local last = redis.call('HGET', KEYS[1], 't:' .. ARGV[i])
  if not last or tonumber(last) < tonumber(ARGV[i + 2]) then
    redis.call('HSET', KEYS[1], 't:' .. ARGV[i], ARGV[i + 2])
  end
end
return #ARGV / 3
