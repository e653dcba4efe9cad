package devnet

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/isthmus-network/isthmus/proofs"
)

// ManifestFile is the name of the file that describes running networks.
const ManifestFile = "devnet.json"

// Manifest describes networks that run, for people and for other programs.
type Manifest struct {
	PID      int           `json:"pid"` // of the process that supervises
	Dir      string        `json:"dir"`
	ShortDir string        `json:"short_dir,omitempty"` // a link to Dir, if Dir is too long for unix sockets
	Networks []NetworkInfo `json:"networks"`
}

// NetworkInfo describes one network.
type NetworkInfo struct {
	Name       string           `json:"name"`
	ID         proofs.NetworkID `json:"id"`
	Dir        string           `json:"dir"`
	ZeroState  string           `json:"zero_state"`
	Accounts   []AccountInfo    `json:"accounts"` // that hold its whole supply at the beginning
	Validators []ValidatorInfo  `json:"validators"`
}

// AccountInfo describes an account whose key is in a file.
type AccountInfo struct {
	Name    string           `json:"name"`
	Account proofs.AccountID `json:"account"`
	KeyFile string           `json:"key_file"`
}

// ValidatorInfo describes one validator and its process.
type ValidatorInfo struct {
	PID   int            `json:"pid"` // 0 while it does not run
	Node  proofs.NodeKey `json:"node"`
	Dir   string         `json:"dir"`
	P2P   string         `json:"p2p"`   // multiaddr with /p2p
	API   string         `json:"api"`   // host:port
	Admin string         `json:"admin"` // unix socket
	Log   string         `json:"log"`
}

// write replaces the file in dir; a reader sees the old content or the new.
func (m *Manifest) write(dir string) error { return replaceFile(filepath.Join(dir, ManifestFile), m) }

func replaceFile(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
