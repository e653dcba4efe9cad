package state

// sorted is a skip list of entries in the order of their keys: insertion and seeking take
// logarithmic time. Its levels come from a fixed sequence, so equal work takes equal time.
type sorted struct {
	head [sortedLevels]*link
	rng  uint64
}

const sortedLevels = 20

type link struct {
	entry *entry
	next  []*link
}

// seek returns the first link with a key at or after key, and fills before, if not nil,
// with the slots that lead past key on each level.
func (s *sorted) seek(key string, before *[sortedLevels]**link) *link {
	next := s.head[:]
	for level := sortedLevels - 1; level >= 0; level-- {
		for next[level] != nil && next[level].entry.key < key {
			next = next[level].next
		}
		if before != nil {
			before[level] = &next[level]
		}
	}
	return next[0]
}

// insert adds e, whose key is not in the list.
func (s *sorted) insert(e *entry) {
	var before [sortedLevels]**link
	s.seek(e.key, &before)
	l := &link{entry: e, next: make([]*link, s.height())}
	for level := range l.next {
		l.next[level] = *before[level]
		*before[level] = l
	}
}

// height is 1 with probability 3/4, 2 with 3/16, and so on.
func (s *sorted) height() int {
	s.rng += 0x9e3779b97f4a7c15 // splitmix64
	z := s.rng
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	height := 1
	for ; height < sortedLevels && z&3 == 0; z >>= 2 {
		height++
	}
	return height
}
