package bootstrap

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/isthmus-network/isthmus/proofs"
)

// ValidatorFile is the public side of a folder's keys: what others need to make
// the node a validator.
const ValidatorFile = "validator.json"

const maxValidatorFileBytes = 4096

// JoinOptions say how a node joins a network that exists.
type JoinOptions struct {
	ZeroState *ZeroState
	Dir       string                      // made; must not exist
	Listen    []string                    // QUIC v1 multiaddrs
	API       string                      // host:port; empty: none
	Peers     map[proofs.NodeKey][]string // nodes of the network: multiaddrs without /p2p
	Rand      io.Reader                   // of the keys; nil: crypto/rand
}

// Joined is a folder that was made.
type Joined struct {
	Zero      *proofs.Zero
	Validator Validator // public keys; the weight is 0, for governance to give
}

// Join makes the folder of a node of a network that exists, with new keys:
//
//	DIR/{keys.json, validator.json, zero-state.json, node.json}
//
// The node follows the network; governance can make it a validator. Nothing is ever
// overwritten: if the folder exists, the error is ErrExists.
func Join(o JoinOptions) (*Joined, error) {
	zero, _, err := o.ZeroState.Build()
	if err != nil {
		return nil, err
	}
	if o.Dir == "" || len(o.Peers) == 0 {
		return nil, fmt.Errorf("join: got folder %q and %d peers, want a folder and at least one peer: %w", o.Dir, len(o.Peers), ErrOptions)
	}
	cfg := &NodeConfig{Listen: o.Listen, API: o.API, Peers: o.Peers}
	if cfg.Listen == nil {
		cfg.Listen = []string{}
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	source := o.Rand
	if source == nil {
		source = rand.Reader
	}
	keys, err := GenerateKeys(source)
	if err != nil {
		return nil, err
	}
	j := &Joined{Zero: zero, Validator: keys.Validator(0)}
	if err := j.write(&o, keys, cfg); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	return j, nil
}

func (j *Joined) write(o *JoinOptions, keys *Keys, cfg *NodeConfig) error {
	if err := os.MkdirAll(filepath.Dir(o.Dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(o.Dir, 0o700); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", o.Dir, ErrExists)
	} else if err != nil {
		return err
	}
	if err := keys.Save(o.Dir); err != nil {
		return err
	}
	if err := createJSON(filepath.Join(o.Dir, ValidatorFile), 0o644, &j.Validator); err != nil {
		return err
	}
	if err := o.ZeroState.Save(filepath.Join(o.Dir, ZeroStateFile)); err != nil {
		return err
	}
	return createJSON(filepath.Join(o.Dir, NodeFile), 0o644, cfg)
}

// LoadValidator reads the public keys of a node: from a document like validator.json,
// or from a folder that holds one, or else from the folder's keys.json. The proof of
// possession is checked by whoever uses it.
func LoadValidator(path string) (*Validator, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	if info.IsDir() {
		file := filepath.Join(path, ValidatorFile)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			keys, err := LoadKeys(path)
			if err != nil {
				return nil, err
			}
			v := keys.Validator(0)
			return &v, nil
		}
		path = file
	}
	var v Validator
	if err := readJSON(path, maxValidatorFileBytes, &v); err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	return &v, nil
}

// Member returns v as a member of a set.
func (v *Validator) Member() proofs.Validator {
	var m proofs.Validator
	m.Node, m.Key, m.Weight, m.Possession = v.Node, v.BLSKey, v.Weight, v.Possession
	return m
}
