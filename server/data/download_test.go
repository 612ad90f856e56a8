package data_test

import (
	"io"
	"testing"
	"time"

	"natftpd/server/data"
)

func TestADownloadEndsWhereTheFileWasToldToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		expected int64
		want     string
	}{
		"what is added meanwhile is left":         {4, "file"},
		"of nothing expected all is sent":         {0, "file and more"},
		"of what is not known all is sent":        {-1, "file and more"},
		"a file that has shrunk ends where it is": {100, "file and more"},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			conn := data.NewConn(ours, nil, time.Minute, data.Pace{})
			conn.Expect(c.expected)
			if n, err := io.Copy(conn, tempFile(t, []byte("file and more"))); n != int64(len(c.want)) || err != nil {
				t.Errorf("sent %d bytes, %v; want %d", n, err, len(c.want))
			}
			conn.Close()
			if got, err := io.ReadAll(theirs); string(got) != c.want || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}
