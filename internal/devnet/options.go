package devnet

import (
	"fmt"
	"os"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// Options say what to run; zero fields take the documented defaults.
type Options struct {
	Networks   int           // their number, at most 26: a, b, c, …; default 2
	Validators int           // of each network that is made; default 4
	Accounts   int           // of each network that is made; default 8
	Epoch      time.Duration // of networks that are made; default 5 s
	// Dir holds everything. Networks that are there are resumed, missing ones are
	// made. Empty: a temporary folder, removed by Close.
	Dir string
	// Unlinked leaves out the governance that makes each network a peer of each.
	Unlinked bool

	// Program is run for each validator, with Env added to our environment, as
	// PROGRAM node run --dir DIR, NodeArgs following. Default: this program.
	Program  string
	Env      []string
	NodeArgs []string

	// Patience bounds each step of the start; default 60 s.
	Patience time.Duration
	// Observe is told what happens, one call at a time; nil: nobody is.
	Observe func(Event)
	// Adjust changes the parameters of networks that are made; nil: as they are.
	Adjust func(name string, p *proofs.Parameters)
}

// Event is something worth telling.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"event"`
	Network string    `json:"network,omitempty"`
	Text    string    `json:"text"`
}

// The kinds of events.
const (
	EventProgress = "progress"
	EventWaiting  = "waiting"
	EventDied     = "died"
	EventChange   = "change"
)

func (o *Options) complete() error {
	defaults := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	defaults(&o.Networks, 2)
	defaults(&o.Validators, 4)
	defaults(&o.Accounts, 8)
	if o.Epoch == 0 {
		o.Epoch = 5 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	switch {
	case o.Networks < 1 || o.Networks > 26:
		return fmt.Errorf("%w: got %d networks, want 1 to 26", ErrOptions, o.Networks)
	case o.Validators < 1 || o.Validators > proofs.MaxValidators:
		return fmt.Errorf("%w: got %d validators, want 1 to %d", ErrOptions, o.Validators, proofs.MaxValidators)
	case o.Accounts < 1 || o.Accounts > 10_000:
		return fmt.Errorf("%w: got %d accounts, want 1 to 10000", ErrOptions, o.Accounts)
	case o.Epoch < 100*time.Millisecond:
		return fmt.Errorf("%w: got epochs of %v, want at least 100ms", ErrOptions, o.Epoch)
	}
	if o.Program != "" {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("%w: this program's file is not known: %w", ErrOptions, err)
	}
	o.Program = exe
	return nil
}
