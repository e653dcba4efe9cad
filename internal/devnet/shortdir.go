package devnet

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// maxNodeDir bounds the path of a validator's folder: its admin socket is made
	// two names deeper, and the address of a unix socket has at most 103 bytes on
	// the systems that allow least.
	maxNodeDir = 80
	// longestBelow is the longest path of a validator's folder below that of all
	// networks.
	longestBelow = len("/a/validator-9999")
)

// shorten returns a path to dir by which the folders of validators are short
// enough for their sockets: dir itself, or a link to it that remove removes.
func shorten(dir string) (short string, remove func(), err error) {
	if len(dir)+longestBelow <= maxNodeDir {
		return dir, func() {}, nil
	}
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if len(base)+len("/isthmus-4294967295/d")+longestBelow > maxNodeDir {
			continue
		}
		own, err := os.MkdirTemp(base, "isthmus-") // nobody else may write there
		if err != nil {
			continue
		}
		link := filepath.Join(own, "d")
		if err := os.Symlink(dir, link); err != nil {
			return "", nil, fmt.Errorf("a short path to %s: %w", dir, err)
		}
		return link, func() { _ = os.Remove(link); _ = os.Remove(own) }, nil
	}
	return "", nil, fmt.Errorf("%w: %s is too long for unix sockets, and no short temporary folder was found", ErrOptions, dir)
}
