package main

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/internal/bench"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "measure on this machine what verification takes",
		Subcommands: []*cli.Command{
			{
				Name:  "slice",
				Usage: "verify slices of other networks' messages",
				Description: `Example: isthmus bench slice --json

It makes a network of four validators and slices of 1, 100, 1000 and 10000 of its
messages, and verifies each on one core: the certificate, the queue head, and every
message. Decoding is shown by itself. Proof bytes are what a slice takes on the
wire beyond its messages; framing is what tells one message in it from the next.`,
				Flags:  []cli.Flag{jsonFlag()},
				Action: p.benchSlice,
			},
			{
				Name:  "bootstrap",
				Usage: "follow a network's key blocks from its zero-header",
				Description: `Example: isthmus bench bootstrap --key-blocks 10000 --validators 13 --json

It makes two chains of key blocks, each signed by the smallest quorum, and follows
them on all cores: decoding and verifying, without network and disk. In the first
the validators stay; in the second each key block exchanges one of them for one
with new keys. Making the chains takes longer than following them, and is not
counted.`,
				Flags: []cli.Flag{
					&cli.IntFlag{Name: "key-blocks", Usage: "`NUMBER` of key blocks", Value: 10_000},
					&cli.IntFlag{Name: "validators", Usage: "`NUMBER` of validators", Value: 13},
					jsonFlag(),
				},
				Action: p.benchBootstrap,
			},
		},
	}
}

func (p *program) benchSlice(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	slices, err := bench.MeasureSlices(c.Context, 1, 100, 1000, proofs.MaxSliceMessages)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(slices)
	}
	var rows [][]string
	for _, s := range slices {
		rows = append(rows, []string{strconv.Itoa(s.Messages), micros(s.VerifyMicros), micros(s.DecodeMicros), strconv.Itoa(s.ProofBytes),
			fmt.Sprintf("%.2f", float64(s.ProofBytes)/float64(s.Messages)), strconv.Itoa(s.FramingBytes)})
	}
	return p.printTable([]string{"MESSAGES", "VERIFY", "DECODE", "PROOF BYTES", "EACH", "FRAMING"}, rows)
}

func micros(us float64) string { return fmt.Sprintf("%.2fms", us/1000) }

func (p *program) benchBootstrap(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		most int
	}{{"key-blocks", 1_000_000}, {"validators", proofs.MaxValidators}} {
		if got := c.Int(f.name); got < 1 || got > f.most {
			return usage("--%s: got %d, want 1 to %d", f.name, got, f.most)
		}
	}
	b, err := bench.MeasureBootstrap(c.Context, c.Int("key-blocks"), c.Int("validators"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(b)
	}
	each := func(seconds float64) string {
		return fmt.Sprintf("%.3fs  (%.0fµs a key block)", seconds, seconds*1e6/float64(b.KeyBlocks))
	}
	return p.printFields([][2]string{
		{"key blocks", strconv.Itoa(b.KeyBlocks)},
		{"validators", strconv.Itoa(b.Validators)},
		{"fixed set", each(b.Seconds)},
		{"one exchanged in each", each(b.SecondsChurn)},
	})
}
