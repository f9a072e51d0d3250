--[[
  Parks a receipt whose transfer is not registered yet. It looks again first: a registration that came in between must
  not leave a receipt behind.

  KEYS[1] the transfer's record   KEYS[2] what is parked for it

  ARGV[1] the receipt's id   ARGV[2] the receipt

  Returns 1  parked (a second time changes nothing)
          0  the transfer is registered: decide instead
]]
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
