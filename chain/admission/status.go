package admission

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// Stage is how far a message has come.
type Stage uint8

// The stages, in order. Expired excludes Executed and Certified.
const (
	Received     Stage = 1 // admitted, waiting for a batch
	Batched      Stage = 2 // in a batch of this node's lane, durable here
	Acknowledged Stage = 3 // held by more than a third of the weight
	Ordered      Stage = 4 // in a final block
	Executed     Stage = 5 // with a height and a code
	Certified    Stage = 6 // a certified header covers the execution
	Expired      Stage = 7 // not executed, and never will be
)

// String names the stage.
func (s Stage) String() string {
	names := [...]string{Received: "received", Batched: "batched", Acknowledged: "acknowledged", Ordered: "ordered",
		Executed: "executed", Certified: "certified", Expired: "expired"}
	if int(s) < len(names) && names[s] != "" {
		return names[s]
	}
	return fmt.Sprintf("stage %d", uint8(s))
}

// Status is what this node knows of a message that it admitted. Fields of stages
// not reached are zero.
type Status struct {
	ID, Body  proofs.Hash
	Sender    proofs.AccountID
	Expiry    uint64 // seconds
	Stage     Stage
	Times     [Expired + 1]uint64 // ms, by stage: when this node saw it reached; 0 if not, or not seen
	Batch     proofs.Hash
	Ordered   uint64      // height of the block that orders it
	Executed  uint64      // height of the block that executed it
	Code      proofs.Code // of the execution
	Certified uint64      // height of the header that covers the execution
}
