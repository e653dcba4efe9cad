package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) networkCommand() *cli.Command {
	return &cli.Command{
		Name:  "network",
		Usage: "make networks and look at them",
		Subcommands: []*cli.Command{
			{
				Name:  "new",
				Usage: "make a zero-state, and a data folder for each validator",
				Description: `Example:
  isthmus network new --name a --validators 4 --dir networks/a --base-port 7000 \
    --allocate ACCOUNT=1000000

Validator N's folder is DIR/validator-N. With --base-port, validator N speaks to the
others on UDP port BASE+2N and serves its API on TCP port BASE+2N+1; without it, the
addresses are to be filled in in each node.json. The folders hold secret keys:
give each to its operator, keep no copy.`,
				Flags:  append(networkFlags(), jsonFlag()),
				Action: p.networkNew,
			},
			{
				Name:        "show",
				Usage:       "print a network's id, parameters and validators",
				ArgsUsage:   "DIR|FILE",
				Description: "Example:\n  isthmus network show networks/a\n\nThe argument is a zero-state document or a folder that holds one.",
				Flags:       []cli.Flag{jsonFlag()},
				Action:      p.networkShow,
			},
			p.networkJoinCommand(),
			p.networkValidatorsCommand(),
		},
	}
}

func networkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "`NAME`: lower-case letters, digits and -"},
		&cli.StringFlag{Name: "dir", Usage: "folder `DIR` to make"},
		&cli.IntFlag{Name: "validators", Usage: "how many", Value: 4},
		&cli.StringFlag{Name: "weights", Usage: "`LIST` of weights, such as 3,2,2,1", DefaultText: "1 each"},
		&cli.StringFlag{Name: "symbol", Usage: "of its own asset", DefaultText: "from the name"},
		&cli.IntFlag{Name: "decimals", Usage: "of its own asset", Value: 6},
		&cli.StringSliceFlag{Name: "allocate", Usage: "`ACCOUNT=AMOUNT`, in whole units; may be repeated"},
		&cli.DurationFlag{Name: "epoch", Usage: "`TIME` between changes of the validator set", DefaultText: "1h"},
		&cli.DurationFlag{Name: "trust-period", Usage: "`TIME` for which an epoch's signatures prove something", DefaultText: "336h"},
		&cli.DurationFlag{Name: "heartbeat", Usage: "`TIME` between blocks of an idle network", DefaultText: "10s"},
		&cli.Uint64Flag{Name: "base-fee", Usage: "smallest units for each external message", DefaultText: "10"},
		&cli.Uint64Flag{Name: "byte-fee", Usage: "smallest units for each of its bytes"},
		&cli.Uint64Flag{Name: "gas-price", Usage: "smallest units for each gas"},
		&cli.Uint64Flag{Name: "link-window", Usage: "most unsettled messages towards one peer", DefaultText: "4096"},
		&cli.StringFlag{Name: "host", Usage: "`IP` address of all the validators", Value: "127.0.0.1"},
		&cli.IntFlag{Name: "base-port", Usage: "first `PORT` of the validators"},
	}
}

// parametersOf applies the flags to the defaults.
func parametersOf(c *cli.Context) (proofs.Parameters, error) {
	symbol := c.String("symbol")
	if symbol == "" {
		symbol = strings.ToUpper(strings.ReplaceAll(c.String("name"), "-", ""))
		symbol = symbol[:min(len(symbol), 12)]
	}
	decimals := c.Int("decimals")
	if decimals < 0 || decimals > 30 {
		return proofs.Parameters{}, usage("got %d decimals, want 0 to 30", decimals)
	}
	params := bootstrap.DefaultParameters(c.String("name"), symbol, uint8(decimals))
	for name, field := range map[string]*uint64{"epoch": &params.EpochDuration, "trust-period": &params.TrustPeriod, "heartbeat": &params.Heartbeat} {
		if c.IsSet(name) {
			*field = uint64(max(c.Duration(name), 0) / time.Millisecond)
		}
	}
	for name, field := range map[string]*uint64{"base-fee": &params.BaseFee, "byte-fee": &params.ByteFee, "gas-price": &params.GasPrice, "link-window": &params.LinkWindow} {
		if c.IsSet(name) {
			*field = c.Uint64(name)
		}
	}
	if !c.IsSet("heartbeat") {
		params.Heartbeat = min(params.Heartbeat, params.EpochDuration)
	}
	return params, params.Validate()
}

func allocationsOf(list []string, decimals uint8) ([]bootstrap.Allocation, error) {
	var all []bootstrap.Allocation
	for _, s := range list {
		account, amount, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usage("--allocate: got %q, want ACCOUNT=AMOUNT", s)
		}
		var a bootstrap.Allocation
		var err error
		if err = a.Account.UnmarshalText([]byte(account)); err != nil {
			return nil, err
		}
		if a.Amount, err = proofs.ParseAmount(amount, decimals); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func weightsOf(list string) ([]uint64, error) {
	if list == "" {
		return nil, nil
	}
	var weights []uint64
	for _, s := range strings.Split(list, ",") {
		w, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return nil, usage("--weights: got %q, want numbers with commas between", s)
		}
		weights = append(weights, w)
	}
	return weights, nil
}

func (p *program) networkNew(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	for _, name := range []string{"name", "dir"} {
		if c.String(name) == "" {
			return usage("--%s is missing", name)
		}
	}
	params, err := parametersOf(c)
	if err != nil {
		return err
	}
	allocations, err := allocationsOf(c.StringSlice("allocate"), params.Decimals)
	if err != nil {
		return err
	}
	weights, err := weightsOf(c.String("weights"))
	if err != nil {
		return err
	}
	made, err := bootstrap.NewNetwork(bootstrap.Options{
		Parameters: params, Validators: c.Int("validators"), Weights: weights, Time: uint64(p.now().UnixMilli()),
		Allocations: allocations, Dir: c.String("dir"), Host: c.String("host"), BasePort: c.Int("base-port"),
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{"network": made.Zero.ID, "zero_state": made.Path, "nodes": made.Nodes})
	}
	fields := [][2]string{{"network", made.Zero.ID.String()}, {"zero-state", made.Path}}
	for i, dir := range made.Nodes {
		fields = append(fields, [2]string{fmt.Sprintf("validator %d", i), dir})
	}
	return p.printFields(fields)
}

func (p *program) networkShow(c *cli.Context) error {
	path, err := oneArg(c, "a zero-state document or its folder")
	if err != nil {
		return err
	}
	doc, err := loadZeroState(path)
	if err != nil {
		return err
	}
	zero, _, err := doc.Build()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(map[string]any{
			"network": zero.ID, "time_ms": zero.Time, "parameters": zero.Parameters, "validators": zero.Set.Members(),
			"set_hash": hexHash(zero.Set.Hash()), "state_root": hexHash(zero.StateRoot), "allocations": doc.Allocations,
		})
	}
	return p.printNetwork(zero, doc)
}

func (p *program) printNetwork(zero *proofs.Zero, doc *bootstrap.ZeroState) error {
	m := &zero.Parameters
	var supply proofs.Amount
	for _, a := range doc.Allocations {
		supply, _ = supply.Add(a.Amount) // Build has checked the sum
	}
	if err := p.printFields([][2]string{
		{"network", zero.ID.String()},
		{"name", m.Name},
		{"made", timeOf(zero.Time).Format(time.RFC3339)},
		{"asset", fmt.Sprintf("%s, %d decimals, %s in %d accounts", m.Symbol, m.Decimals, supply.Decimal(m.Decimals), len(doc.Allocations))},
		{"epoch", millis(m.EpochDuration)},
		{"trust period", millis(m.TrustPeriod)},
		{"heartbeat", millis(m.Heartbeat)},
		{"view timeout", millis(m.ViewTimeout)},
		{"block", fmt.Sprintf("at most %d messages, %d gas", m.BlockMessages, m.BlockGas)},
		{"fees", fmt.Sprintf("%d for a message, %d for a byte, %d for a gas (smallest units)", m.BaseFee, m.ByteFee, m.GasPrice)},
		{"links", fmt.Sprintf("at most %d unsettled messages each", m.LinkWindow)},
		{"governance", fmt.Sprintf("more than %d/%d of the weight", m.ThresholdNum, m.ThresholdDen)},
		{"set hash", hexHash(zero.Set.Hash()).String()},
		{"state root", hexHash(zero.StateRoot).String()},
	}); err != nil {
		return err
	}
	rows := make([][]string, 0, zero.Set.Len())
	for i, v := range zero.Set.Members() {
		rows = append(rows, []string{strconv.Itoa(i), v.Node.String(), strconv.FormatUint(v.Weight, 10)})
	}
	return p.printTable([]string{"VALIDATOR", "NODE KEY", "WEIGHT"}, rows)
}
