package bootstrap

import (
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// genesis returns the state entries that the engine begins with.
func genesis(allocations []Allocation, set *proofs.ValidatorSet) ([]merkle.KV, error) {
	accounts := make([]execution.Allocation, len(allocations))
	for i, a := range allocations {
		accounts[i] = execution.Allocation{Account: a.Account, Amount: a.Amount}
	}
	return execution.Genesis(accounts, set)
}
