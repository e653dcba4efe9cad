package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) traceCommand() *cli.Command {
	return &cli.Command{
		Name:      "trace",
		Usage:     "show every step of a message, with its time and its proof",
		ArgsUsage: "ID",
		Description: `Examples:
  isthmus trace ID --node 127.0.0.1:7001
  isthmus trace ID --node 127.0.0.1:7001 --peer-node 127.0.0.1:8001

ID is what send printed. For a message that went to another network, --peer-node
names a node there; its steps are merged in order of time. A step whose proof is
"-" is the node's word.`,
		Flags: []cli.Flag{
			nodeFlag(), jsonFlag(),
			&cli.StringSliceFlag{Name: "peer-node", Usage: "`ADDR` of a node of a network that the message went to; may be repeated"},
		},
		Action: p.trace,
	}
}

// tracedStep is one row of a trace.
type tracedStep struct {
	Network string           `json:"network"`
	ID      proofs.NetworkID `json:"network_id"`
	Message string           `json:"message"` // "external", or which emitted message
	api.Step
	After int64 `json:"after_ms"` // since the first step
}

// traced is a whole trace, as JSON shows it.
type traced struct {
	ID      hexHash      `json:"id"`
	Outcome string       `json:"outcome,omitempty"`
	Done    bool         `json:"done"`
	Steps   []tracedStep `json:"steps"`
	Notes   []string     `json:"notes,omitempty"`
}

func (p *program) trace(c *cli.Context) error {
	arg, err := oneArg(c, "the message's id")
	if err != nil {
		return err
	}
	id, err := proofs.ParseHash(arg)
	if err != nil {
		return err
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	t, err := client.Trace(c.Context, id)
	if err != nil {
		return err
	}
	k, err := surroundings(c.Context, client)
	if err != nil {
		return err
	}
	out := &traced{ID: hexHash(id), Done: t.Done}
	if t.Done {
		out.Outcome = t.Code.String()
	}
	out.add(k.name(t.Network), t.Network, "external", t.Steps)
	peers := &peerNodes{addrs: c.StringSlice("peer-node"), clients: map[proofs.NetworkID]*api.Client{}}
	defer peers.close()
	if len(t.Emitted) > 0 {
		out.Notes = append(out.Notes, peers.dial(c.Context)...)
	}
	for i := range t.Emitted {
		if err := out.addEmitted(c.Context, k, t.Network, &t.Emitted[i], peers); err != nil {
			return err
		}
	}
	out.arrange()
	if c.Bool("json") {
		return p.printJSON(out)
	}
	return p.printTrace(out)
}

// peerNodes are the nodes that --peer-node names, by network.
type peerNodes struct {
	addrs   []string
	clients map[proofs.NetworkID]*api.Client
}

// dial asks each node which network it is of. One that does not answer is noted,
// so that what the others know is shown.
func (n *peerNodes) dial(ctx context.Context) (notes []string) {
	for _, addr := range n.addrs {
		client, err := api.Dial(addr)
		if err != nil {
			notes = append(notes, err.Error())
			continue
		}
		info, err := client.Info(ctx)
		if err != nil || n.clients[info.Network] != nil {
			if err != nil {
				notes = append(notes, err.Error())
			}
			client.Close()
			continue
		}
		n.clients[info.Network] = client
	}
	return notes
}

func (n *peerNodes) close() {
	for _, c := range n.clients {
		c.Close()
	}
}

func (t *traced) add(network string, id proofs.NetworkID, message string, steps []api.Step) {
	for _, s := range steps {
		t.Steps = append(t.Steps, tracedStep{Network: network, ID: id, Message: message, Step: s})
	}
}

// addEmitted adds what both ends know of one emitted message.
func (t *traced) addEmitted(ctx context.Context, k *known, source proofs.NetworkID, e *api.Emitted, peers *peerNodes) error {
	to := k.name(e.Ref.Destination)
	message := fmt.Sprintf("%s→%s #%d", k.name(source), to, e.Ref.Index)
	t.add(k.name(source), source, message, e.Steps)
	client, ok := peers.clients[e.Ref.Destination]
	if !ok {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: ask a node of network %s for the rest, with --peer-node", message, e.Ref.Destination))
		return nil
	}
	there, err := client.TraceMessage(ctx, source, e.Ref.Incarnation, e.Ref.Index)
	if errors.Is(err, api.ErrNotFound) {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: not known at %s yet", message, to))
		return nil
	}
	if err != nil {
		return err
	}
	if there.Network != e.Ref.Destination || there.ID != e.Ref.ID {
		return fmt.Errorf("%w: node %s traced message %s of network %s, want %s of %s", api.ErrProof,
			client.Addr(), hexHash(there.ID), there.Network.Short(), hexHash(e.Ref.ID), e.Ref.Destination.Short())
	}
	if there.Done && there.Code != proofs.CodeOK {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %s", message, there.Code))
	}
	t.add(to, there.Network, message, there.Steps)
	return nil
}

// arrange sorts the steps by time; those of one time keep their order.
func (t *traced) arrange() {
	slices.SortStableFunc(t.Steps, func(a, b tracedStep) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	})
	for i := range t.Steps {
		t.Steps[i].After = int64(t.Steps[i].Time - t.Steps[0].Time)
	}
}

func (p *program) printTrace(t *traced) error {
	outcome := "under way"
	if t.Done {
		outcome = t.Outcome
	}
	if err := p.printFields([][2]string{{"message", t.ID.String()}, {"outcome", outcome}}); err != nil {
		return err
	}
	rows := make([][]string, 0, len(t.Steps))
	for i, s := range t.Steps {
		delta := time.Duration(0)
		if i > 0 {
			delta = time.Duration(s.Time-t.Steps[i-1].Time) * time.Millisecond
		}
		height := "-"
		if s.Height > 0 {
			height = strconv.FormatUint(s.Height, 10)
		}
		rows = append(rows, []string{
			clock(s.Time), "+" + (time.Duration(s.After) * time.Millisecond).String(), "+" + delta.String(),
			s.Network, s.Message, s.Name, height, s.Proof.String(), orDash(s.Detail),
		})
	}
	if err := p.printTable([]string{"TIME", "AFTER", "DELTA", "NETWORK", "MESSAGE", "STEP", "BLOCK", "PROOF", "DETAIL"}, rows); err != nil {
		return err
	}
	for _, n := range t.Notes {
		if _, err := fmt.Fprintln(p.stderr, n); err != nil {
			return err
		}
	}
	return nil
}
