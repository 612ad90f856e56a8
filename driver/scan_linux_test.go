package driver

import (
	"encoding/binary"
	"os"
	"testing"
)

// TestAFileWithoutAnInodeIsListed, as some file systems in user space have them, and
// old XFS.
func TestAFileWithoutAnInodeIsListed(t *testing.T) {
	dir, err := os.Open(newWorld(t).home)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	record := make([]byte, 32)
	binary.NativeEndian.PutUint16(record[recordLength:], uint16(len(record)))
	copy(record[recordName:], "file")
	for _, namesOnly := range []bool{false, true} {
		if all := appendRecords(nil, int(dir.Fd()), record, namesOnly); len(all) != 1 || all[0].Name() != "file" {
			t.Errorf("names only %t: got %v, want the file", namesOnly, all)
		}
	}
}
