package store

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/syndtr/goleveldb/leveldb/util"
)

// Layout of goleveldb's journals: blocks of 32 KiB; in them chunks
// crc(4) ‖ length(2) ‖ type(1) ‖ payload, little-endian; a record is one full chunk, or a
// first, middles and a last; fewer than 7 bytes at a block's end are padding.
const (
	journalBlock = 32 << 10
	chunkHeader  = 7

	chunkFull   = 1
	chunkFirst  = 2
	chunkMiddle = 3
	chunkLast   = 4
)

// journalPrefix returns the length of the longest prefix of r that consists of whole,
// valid records, and the length of r, in bytes.
func journalPrefix(r io.Reader) (valid, size int64, err error) {
	var (
		block  [journalBlock]byte
		broken bool
		inside bool // within a record
	)
	for {
		n, err := io.ReadFull(r, block[:])
		if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, 0, err
		}
		for pos := 0; !broken && n-pos >= chunkHeader; {
			end, kind := parseChunk(block[:n], pos)
			if end == 0 || (kind == chunkFull || kind == chunkFirst) == inside {
				broken = true
				break
			}
			pos = end
			inside = kind == chunkFirst || kind == chunkMiddle
			if !inside {
				valid = size + int64(end)
			}
		}
		size += int64(n)
		if n < len(block) {
			return valid, size, nil
		}
	}
}

// parseChunk returns the end of the chunk at pos and its type; end 0 if it is broken.
func parseChunk(block []byte, pos int) (end int, kind byte) {
	sum := binary.LittleEndian.Uint32(block[pos:])
	length := int(binary.LittleEndian.Uint16(block[pos+4:]))
	kind = block[pos+6]
	end = pos + chunkHeader + length
	if kind < chunkFull || kind > chunkLast || end > len(block) {
		return 0, 0
	}
	if sum != util.NewCRC(block[pos+6:end]).Value() {
		return 0, 0
	}
	return end, kind
}
