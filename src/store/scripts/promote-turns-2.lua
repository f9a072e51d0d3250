--[[
  Gives each that is due its turn, if nobody has done so since it was seen. In the watch index it moves on, so that it
  comes back where its turn is lost.

  KEYS[1] the watch index   KEYS[2] the turns, by amount
  ARGV[1] until when it has time   ARGV again for each: its name, when it was due as it was seen, its amount

  Returns how many were given one.
]]
local count = 0
for i = 2, #ARGV, 3 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then
    redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i])
    redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i])
    count = count + 1
  end
end
return count
