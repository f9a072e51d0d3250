--[[
  Replaces a text, if it is still the one that was read.

  KEYS[1] the text   ARGV[1] as it was read   ARGV[2] the new one

  Returns 1 replaced, 0 it has changed or is gone; nothing was written.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
