throw new RangeError("no such data set");
