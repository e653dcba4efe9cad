package lanes

// Machine is one node's part in the lanes of an epoch. Not safe for concurrent
// use.
type Machine struct{}

// New restores a machine.
func New(cfg Config, start Start) *Machine { return &Machine{} }

// Step takes one input at time now (ms since the Unix epoch; never falling).
func (m *Machine) Step(now uint64, in Input) Output { return Output{} }

// Waiting returns how many own batches wait for a car. The driver makes no new
// batches while it is large.
func (m *Machine) Waiting() int { return 0 }

// Backlog returns how many final blocks wait for cars or batches.
func (m *Machine) Backlog() int { return 0 }
