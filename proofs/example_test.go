package proofs_test

import (
	"fmt"
	"os"

	"github.com/isthmus-network/isthmus/proofs"
)

// A stranger knows a network's id, and has a file from somebody it does not trust.
func ExampleParseFile() {
	var network proofs.NetworkID
	if err := network.UnmarshalText([]byte("d95b1d5bd33509583593fecba688a38e45e4ee0de225746d6c5dd2127341398e")); err != nil {
		fmt.Println(err)
		return
	}
	data, err := os.ReadFile("testdata/file_example.proof")
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := proofs.ParseFile(data)
	if err != nil {
		fmt.Println("no proof file:", err)
		return
	}
	now := uint64(1_700_000_010_000) // time.Now().UnixMilli(), but for this example
	statement, err := file.Verify(network, proofs.Reading{Now: now, MaxAge: 60_000})
	if err != nil {
		fmt.Println("proves nothing:", err)
		return
	}
	for _, b := range statement.Account.Balances {
		fmt.Println("balance:", b.Amount.Decimal(statement.Networks[0].Decimals), statement.Networks[0].Symbol)
	}
	c := statement.Networks[0]
	fmt.Printf("signed by weight %d of %d in epoch %d, true after block %d\n", c.Weight, c.Total, c.Epoch, c.Executed)
	// Output:
	// balance: 0.000004993 TST
	// signed by weight 4 of 4 in epoch 1, true after block 1
}
