package consensus

// LeaderOf shows who leads view n.
func (m *Machine) LeaderOf(n uint64) int { return m.leader(n) }
