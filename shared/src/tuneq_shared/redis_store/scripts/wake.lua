-- ARGV: id
wake(ARGV[2], now())
return 1
