--[[
  Puts texts where there are none yet, each for a time.

  KEYS    where
  ARGV    of each: the text, and for how many milliseconds
  Returns of each what was there before, or nil
]]
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('GET', key)
  if not found[i] then
    redis.call('SET', key, ARGV[2 * i - 1], 'PX', ARGV[2 * i])
  end
end
return found
