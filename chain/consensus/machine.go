package consensus

// Machine is the ordering core of one node.
type Machine struct{}

// New starts a machine.
func New(cfg Config, start Start) (*Machine, error) { return &Machine{}, nil }

// Step takes one input at time now (ms since the Unix epoch).
func (m *Machine) Step(now uint64, in Input) Output { return Output{} }

// Status describes the machine for operators.
func (m *Machine) Status() Status { return Status{} }
