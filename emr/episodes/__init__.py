"""Episodes (đợt khám chữa bệnh) with their visits: the rows other features lean on."""
