--[[
  Replaces a field of a hash, if it is still the one that was read.

  KEYS[1] the hash   ARGV[1] the field   ARGV[2] as it was read   ARGV[3] the new one

  Returns 1 replaced, 0 it has changed or is gone; nothing was written.
]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
