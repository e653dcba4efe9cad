package execution_test

import (
	"fmt"
	"testing"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// BenchmarkTransfers executes a block of 1,000 transfers, with signatures checked
// before, on the state in memory and with queues of different length.
func BenchmarkTransfers(b *testing.B) {
	for _, waiting := range []int{0, 50_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			p := memnet.Parameters("alpha")
			p.BlockMessages, p.BlockGas = 2000, 2000*execution.GasTransfer
			n := memnet.New(p, 1, 1<<60, alice, bob)
			st := memstate.New(n.Genesis)
			wait(b, n, st, waiting)
			var items []types.Item
			for range 1000 {
				items = append(items, memnet.External(n.Send(alice, n.ID(), bob.Account, proofs.NativeAsset, 1)))
			}
			block := n.Block(items...)
			engine := execution.New(n.Zero, mesh.New(n.Zero))
			st.Commit()
			for b.Loop() {
				if _, err := engine.Execute(st, block); err != nil {
					b.Fatal(err)
				}
				st.Revert(0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/transfer")
		})
	}
}

// wait puts refunds, which any state may hold, into the local queue.
func wait(b *testing.B, n *memnet.Network, st *memstate.State, count int) {
	b.Helper()
	for i := range count {
		m := proofs.Message{
			Version: proofs.Version, Source: n.ID(), Destination: n.ID(), Index: uint64(i), Kind: proofs.KindRefund,
			Recipient: bob.Account, Asset: proofs.NativeAsset.Abroad(n.ID()), Amount: proofs.NewAmount(1),
		}
		if _, err := st.AppendLog(execution.LocalLog, m.ID(), m.MarshalCanoto()); err != nil {
			b.Fatal(err)
		}
	}
}
