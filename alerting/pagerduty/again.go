package pagerduty

import (
	"strconv"
	"strings"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// maxAgain bounds the alerts of one incident beside its first.
const maxAgain = 16

// series are the alerts that an incident has in PagerDuty, its receipt: those
// from the first to the newest, 0 for the first alone.
type series struct {
	newest int
	acked  bool // the newest was acknowledged by Picket
}

const ackedMark = " acked"

// seriesOf reads a receipt; what is none is that of one alert.
func seriesOf(receipt string) series {
	text, acked := strings.CutSuffix(receipt, ackedMark)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxAgain {
		return series{}
	}
	return series{n, acked}
}

func (s series) String() string {
	text := strconv.Itoa(s.newest)
	if s.acked {
		text += ackedMark
	}
	return text
}

// next returns the series after a message, and the alerts of it that the message
// is an event of.
func (s series) next(m *notify.Message) (after series, of []int) {
	switch actionOf(m.Kind) {
	case acknowledge:
		return series{s.newest, true}, []int{s.newest}
	case resolve:
		for n := range s.newest + 1 {
			of = append(of, n)
		}
		return series{}, of
	}
	if s.acked && m.State == alerting.Firing && s.newest < maxAgain {
		s = series{newest: s.newest + 1}
	}
	return s, []int{s.newest}
}
