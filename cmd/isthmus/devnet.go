package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/internal/devnet"
)

func (p *program) devnetCommand() *cli.Command {
	return &cli.Command{
		Name:  "devnet",
		Usage: "run linked networks on this machine, to try things out",
		Description: `Examples:
  isthmus devnet
  isthmus devnet --networks 3 --validators 4 --dir networks
  isthmus devnet --transfers 200 --exit

It makes networks a, b, c…, runs each validator as a process of its own, links the
networks by governance, sends a transfer and shows its way. DIR/devnet.json tells
where everything is. With --dir, networks that are there are resumed.

With --transfers and --exit it sends that many transfers in both directions, waits
for them, recomputes from proofs alone what became of them, prints one line of
JSON, and fails unless each was executed exactly once and all value is conserved.`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "networks", Usage: "`NUMBER` of networks", Value: 2},
			&cli.IntFlag{Name: "validators", Usage: "`NUMBER` of validators of each network", Value: 4},
			&cli.IntFlag{Name: "accounts", Usage: "`NUMBER` of demo accounts of each network", Value: 8},
			&cli.DurationFlag{Name: "epoch", Usage: "`TIME` from key block to key block", Value: 5 * time.Second},
			&cli.IntFlag{Name: "transfers", Usage: "`NUMBER` of transfers to send and audit"},
			&cli.StringFlag{Name: "dir", Usage: "`DIR` to keep the networks in (default: a temporary one, removed at the end)"},
			&cli.StringFlag{Name: "log-level", Usage: "`LEVEL` of the nodes' logs: debug, info, warn or error", Value: "info"},
			&cli.BoolFlag{Name: "exit", Usage: "end after the transfers and their audit"},
			jsonFlag(),
		},
		Action: p.devnet,
	}
}

func (p *program) devnet(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	for _, name := range []string{"networks", "validators", "accounts"} {
		if c.Int(name) < 1 {
			return usage("--%s: got %d, want at least 1", name, c.Int(name))
		}
	}
	if c.Int("transfers") < 0 {
		return usage("--transfers: got %d, want 0 or more", c.Int("transfers"))
	}
	return devnet.Run(c.Context, devnet.RunOptions{
		Options: devnet.Options{
			Networks: c.Int("networks"), Validators: c.Int("validators"), Accounts: c.Int("accounts"),
			Epoch: c.Duration("epoch"), Dir: c.String("dir"), NodeArgs: []string{"--log-level", c.String("log-level")},
		},
		Transfers: c.Int("transfers"), Exit: c.Bool("exit"), JSON: c.Bool("json"),
		Terminal: p.terminal, Out: p.stdout, Err: p.stderr,
	})
}
