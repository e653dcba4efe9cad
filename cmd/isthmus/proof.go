package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) proofCommand() *cli.Command {
	return &cli.Command{
		Name:  "proof",
		Usage: "get, verify and explain proof files: what a network certified, for anyone to check",
		Subcommands: []*cli.Command{
			p.proofGetCommand(),
			{
				Name:      "verify",
				Usage:     "check a proof file; no node is needed",
				ArgsUsage: "FILE",
				Description: `Example:
  isthmus proof verify balance.proof --network ID

The network's id is all that must be known by other means. What is proved is
printed: by which weight of which validators, and as of when. A file that does
not verify ends with exit code 3 and a reason.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "network", Usage: "`ID` of the network that the file must be of, in full"},
					&cli.DurationFlag{Name: "max-age", Usage: "refuse a state older than `TIME`"},
					&cli.BoolFlag{Name: "in-trust", Usage: "refuse what was signed longer ago than the trust period"},
					jsonFlag(),
				},
				Action: p.proofVerify,
			},
			{
				Name:      "show",
				Usage:     "explain a proof file in words",
				ArgsUsage: "FILE",
				Description: `Example:
  isthmus proof show balance.proof

The network's id is taken from the file: compare it with the one that you know.`,
				Action: p.proofShow,
			},
		},
	}
}

// readProofFile reads no more than a proof file may have.
func readProofFile(path string) (*proofs.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > proofs.MaxFileBytes {
		return nil, unproved(path, fmt.Errorf("got %d bytes, want a file of at most %d: %w", info.Size(), proofs.MaxFileBytes, proofs.ErrTooLarge))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := proofs.ParseFile(b)
	if err != nil {
		return nil, unproved(path, err)
	}
	return f, nil
}

// unproved makes an error of exit code 3.
func unproved(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", api.ErrProof, what, err)
}

func (p *program) proofVerify(c *cli.Context) error {
	path, err := oneArg(c, "the proof file")
	if err != nil {
		return err
	}
	if !c.IsSet("network") {
		return usage("--network is missing: a proof is of a network that you know")
	}
	var network proofs.NetworkID
	if err := network.UnmarshalText([]byte(c.String("network"))); err != nil {
		return err
	}
	age := c.Duration("max-age")
	if age < 0 || c.IsSet("max-age") && age < time.Millisecond {
		return usage("--max-age: got %s, want at least 1ms", age)
	}
	f, err := readProofFile(path)
	if err != nil {
		return err
	}
	s, err := f.Verify(network, proofs.Reading{Now: p.millis(), Rand: rand.Reader, MaxAge: uint64(age.Milliseconds()), InTrust: c.Bool("in-trust")})
	if err != nil {
		return unproved(path, err)
	}
	if c.Bool("json") {
		return p.printJSON(s)
	}
	return p.printLines(s.Lines())
}

func (p *program) millis() uint64 { return uint64(max(0, p.now().UnixMilli())) }

func (p *program) printLines(lines []string) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(p.stdout, l); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) proofShow(c *cli.Context) error {
	path, err := oneArg(c, "the proof file")
	if err != nil {
		return err
	}
	f, err := readProofFile(path)
	if err != nil {
		return err
	}
	network := f.Chains[0].Header.Header.Network
	s, err := f.Verify(network, proofs.Reading{Now: p.millis(), Rand: rand.Reader})
	if err != nil {
		return unproved(path, err)
	}
	keyBlocks := 0
	for i := range f.Chains {
		keyBlocks += len(f.Chains[i].KeyBlocks)
	}
	lines := append([]string{fmt.Sprintf("A proof of kind %s. If you know the network by its id %s, then this is proved:", f.Kind(), network), ""}, s.Lines()...)
	lines = append(lines, "", "How: the id is the hash of the zero-header in the file, which names the first validators.")
	if keyBlocks > 0 {
		lines = append(lines, fmt.Sprintf("In %d key blocks each set of validators handed over to the next.", keyBlocks))
	}
	return p.printLines(append(lines, "More than two thirds of the weight of the last set signed the header, and hashes lead from what is proved to it."))
}
