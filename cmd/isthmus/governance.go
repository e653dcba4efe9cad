package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// kindNative is the kind of networks like this one.
const kindNative = "native"

func (p *program) governanceCommand() *cli.Command {
	return &cli.Command{
		Name:  "governance",
		Usage: "propose, approve and list acts of a network's validators",
		Subcommands: []*cli.Command{
			{
				Name:  "propose",
				Usage: "propose an act; the node's validator thereby approves it",
				Subcommands: []*cli.Command{
					{
						Name:        "register",
						Usage:       "make a network a peer",
						Description: "Example:\n  isthmus governance propose register --dir networks/a/validator-0 --peer NETWORK-ID",
						Flags:       append(registrationFlags(), append(adminFlags(), jsonFlag())...),
						Action:      func(c *cli.Context) error { return p.propose(c, types.ActRegister) },
					},
					p.linkActCommand("pause", "stop sending to a peer and taking from it", types.ActPause),
					p.linkActCommand("resume", "undo a pause", types.ActResume),
					p.proposeValidatorCommand(),
				},
			},
			{
				Name:        "approve",
				Usage:       "add the node's validator's approval to an act",
				ArgsUsage:   "ID",
				Description: "Example:\n  isthmus governance approve ID --dir networks/a/validator-1",
				Flags:       adminFlags(),
				Action:      p.approve,
			},
			{
				Name:        "list",
				Usage:       "list acts that are open or were closed lately",
				Description: "Example:\n  isthmus governance list --dir networks/a/validator-0",
				Flags:       append(adminFlags(), jsonFlag()),
				Action:      p.listActs,
			},
		},
	}
}

func (p *program) linkActCommand(name, does string, kind types.ActKind) *cli.Command {
	return &cli.Command{
		Name:        name,
		Usage:       does,
		Description: fmt.Sprintf("Example:\n  isthmus governance propose %s --dir networks/a/validator-0 --peer NETWORK-ID", name),
		Flags:       append([]cli.Flag{peerFlag(), expiryFlag()}, append(adminFlags(), jsonFlag())...),
		Action:      func(c *cli.Context) error { return p.propose(c, kind) },
	}
}

func peerFlag() cli.Flag {
	return &cli.StringFlag{Name: "peer", Usage: "the peer's network `ID`, in full"}
}

func expiryFlag() cli.Flag {
	return &cli.DurationFlag{Name: "expiry", Usage: "`TIME` within which it must be approved and executed", DefaultText: "the node's"}
}

func registrationFlags() []cli.Flag {
	return []cli.Flag{
		peerFlag(), expiryFlag(),
		&cli.Uint64Flag{Name: "window", Usage: "most unsettled messages towards the peer", DefaultText: "the network's"},
		&cli.Uint64Flag{Name: "gas-rate", Usage: "smallest units here for one gas there"},
		&cli.DurationFlag{Name: "trust-period", Usage: "`TIME` after which signatures of the peer's set prove nothing", DefaultText: "the network's own"},
	}
}

// actOf makes the act that the flags ask for; what a registration leaves out is
// taken from the network's own parameters.
func (p *program) actOf(c *cli.Context, client *api.Client, kind types.ActKind) (act types.Act, err error) {
	act.Kind = kind
	if c.String("peer") == "" {
		return act, usage("--peer is missing")
	}
	if err := act.Peer.UnmarshalText([]byte(c.String("peer"))); err != nil {
		return act, err
	}
	act.Expiry = p.expiry(c)
	if kind != types.ActRegister {
		return act, nil
	}
	info, err := client.Info(c.Context)
	if err != nil {
		return act, err
	}
	act.NetworkKind, act.GasRate = kindNative, c.Uint64("gas-rate")
	act.Window, act.TrustPeriod = info.Parameters.LinkWindow, info.Parameters.TrustPeriod
	if c.IsSet("window") {
		act.Window = c.Uint64("window")
	}
	if d := c.Duration("trust-period"); d > 0 {
		act.TrustPeriod = uint64(d / time.Millisecond)
	}
	return act, nil
}

// expiry is when an act proposed now expires, ms; 0 leaves it to the node.
func (p *program) expiry(c *cli.Context) uint64 {
	if d := c.Duration("expiry"); d > 0 {
		return uint64(p.now().Add(d).UnixMilli())
	}
	return 0
}

func (p *program) propose(c *cli.Context, kind types.ActKind) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	return p.proposeOn(c, client, kind)
}

func (p *program) proposeOn(c *cli.Context, client *api.Client, kind types.ActKind) error {
	act, err := p.actOf(c, client, kind)
	if err != nil {
		return err
	}
	return p.proposeAct(c, client, act)
}

func (p *program) proposeAct(c *cli.Context, client *api.Client, act types.Act) error {
	id, err := client.Propose(c.Context, act)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"id": hexHash(id)})
	}
	_, err = fmt.Fprintln(p.stdout, hexHash(id))
	return err
}

func (p *program) approve(c *cli.Context) error {
	arg, err := oneArg(c, "the act's id")
	if err != nil {
		return err
	}
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	id, err := actID(c.Context, client, arg)
	if err != nil {
		return err
	}
	return client.Approve(c.Context, id)
}

// actID reads an act's id, or a unique prefix of one that the node knows.
func actID(ctx context.Context, client *api.Client, s string) (proofs.Hash, error) {
	if len(s) >= 2*len(proofs.Hash{}) {
		return proofs.ParseHash(s)
	}
	acts, err := client.Acts(ctx)
	if err != nil {
		return proofs.Hash{}, err
	}
	acts = slices.DeleteFunc(acts, func(a api.ActState) bool { return !strings.HasPrefix(hexHash(a.ID).String(), strings.ToLower(s)) })
	if len(s) < minPrefix || len(acts) > 1 {
		return proofs.Hash{}, usage("act %q: %d acts match, want one by at least %d digits", s, len(acts), minPrefix)
	}
	if len(acts) == 0 {
		return proofs.Hash{}, fmt.Errorf("act %.80q: %w", s, api.ErrNotFound)
	}
	return acts[0].ID, nil
}

func (p *program) listActs(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	client, err := dialAdmin(c)
	if err != nil {
		return err
	}
	defer client.Close()
	acts, err := client.Acts(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		type actView struct {
			ID hexHash `json:"id"`
			api.ActState
		}
		views := make([]actView, len(acts))
		for i := range acts {
			views[i] = actView{hexHash(acts[i].ID), acts[i]}
		}
		return p.printJSON(views)
	}
	rows := make([][]string, 0, len(acts))
	for i := range acts {
		a := &acts[i]
		by := make([]string, len(a.Approvals))
		for j := range a.Approvals {
			by[j] = a.Approvals[j].Node.String()[:8]
		}
		state := a.State
		if a.Code != proofs.CodeOK {
			state += " (" + a.Code.String() + ")"
		}
		rows = append(rows, []string{
			hexHash(a.ID).String(), strconv.FormatUint(a.Act.Sequence, 10), actName(a.Act.Kind), subject(&a.Act), state,
			fmt.Sprintf("%d/%d", a.Weight, a.Total), orDash(strings.Join(by, ",")), p.ago(a.Act.Expiry),
		})
	}
	return p.printTable([]string{"ID", "SEQUENCE", "ACT", "ON", "STATE", "WEIGHT", "APPROVED BY", "EXPIRES"}, rows)
}

// subject is what an act is on: a peer, or a validator and its weight.
func subject(a *types.Act) string {
	v := a.Validator
	switch {
	case v == nil:
		return a.Peer.Short()
	case a.Kind == types.ActValidator:
		return fmt.Sprintf("%s weight %d", v.Node.String()[:8], v.Weight)
	}
	return v.Node.String()[:8]
}

func actName(k types.ActKind) string {
	switch k {
	case types.ActRegister:
		return "register"
	case types.ActPause:
		return "pause"
	case types.ActResume:
		return "resume"
	case types.ActValidator:
		return "validator"
	case types.ActRemoveValidator:
		return "remove validator"
	}
	return fmt.Sprintf("kind %d", k)
}
