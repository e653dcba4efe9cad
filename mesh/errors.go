package mesh

// Error is a constant error kind of this package, besides those of proofs.
type Error string

func (e Error) Error() string { return string(e) }

// Why work was refused: in a [Note]. All but ErrLane may happen to honest
// carriers.
const (
	ErrUnknown Error = "not a registered peer"
	ErrState   Error = "the link takes nothing now"
	ErrLimit   Error = "limit of the block reached"
	ErrLane    Error = "lane is ignored for this epoch"
	ErrNothing Error = "nothing new"
	ErrAct     Error = "act is not in place"
)

// ErrCorrupt says that a value or a sum of the state is not one that these rules
// write: a bug or a damaged store, fatal to the block.
const ErrCorrupt Error = "mesh: state corrupt"
