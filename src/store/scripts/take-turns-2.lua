--[[
  Takes turns, each handed to one who asks. One that is not watched any more is passed over.

  KEYS[1] the turns, by amount   KEYS[2] the watch index
  ARGV[1] until when it is the taker's alone   ARGV the names, as they were seen

  Returns the names of those that were taken.
]]
local taken = {}
for i = 2, #ARGV do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 and redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    redis.call('ZADD', KEYS[2], ARGV[1], ARGV[i])
    taken[#taken + 1] = ARGV[i]
  end
end
return taken
