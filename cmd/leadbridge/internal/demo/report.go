package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/sums"
)

func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.cfg.Out, format+"\n", args...) // fails only when the output is closed
}

// introduce prints what is running and what is going to happen.
func (d *demo) introduce() {
	d.say("leadbridge demo: %d lead records on their way from Kafka to a CRM that fails on purpose", d.cfg.Events)
	d.say("")
	d.say("  Kafka    %s, embedded; topics %s and %s, %d partitions", d.broker.cluster.ListenAddrs()[0], topic, deadLetterTopic, partitions)
	d.say("  CRM      %s, simulated; about one answer in six is an error, lost, cut or late", d.crmURL)
	d.say("  Status   %s/statusz", d.statusURL)
	d.say("  Leads    sent within %s; if they are not decided soon after, one more each %s until all are, as on a website", sendFor, trickle)
	d.say("  Seed     %d (--seed gives other leads, --events more or fewer)", d.cfg.Seed)
	d.say("  Time     runs faster than with a real portal: %d requests a second, not 10; doubt settles in %s, not 5s", perSecond, settle)
	d.say("")
}

// summarize prints what became of everything.
func (d *demo) summarize(v verdict) {
	counts := sums.Gather(d.service.Metrics())
	d.say("")
	d.say("  In              %5d  records: %d events, %d sent twice, %d tombstones",
		v.records, v.events, v.records-v.tombstones-v.events, v.tombstones)
	d.say("  Created         %5d  %ss%s", v.created, v.thing, d.withContacts())
	if d.cfg.Match {
		d.say("  Matched         %5d  events of persons who have a contact already: matched to it, no second one is made", v.matched)
	}
	if v.comments > 0 {
		d.say("  Comments        %5d  on the timelines of their cards, from what visitors wrote in forms", v.comments)
	}
	letters := 0
	for _, n := range v.letters {
		letters += n
	}
	d.say("  Dead letters    %5d  events that can never become a %s", letters, v.thing)
	for _, reason := range slices.Sorted(maps.Keys(v.letters)) {
		d.say("                  %5d  %s: %s", v.letters[reason], reason, meaning[reason])
	}
	d.say("  Retried         %5d  requests, after errors, throttling and cut connections", int(counts.Of(metricRetries)))
	d.say("  In doubt        %5d  requests whose outcome nobody knew: looked up, not sent blindly again", int(counts.Of(metricInDoubt)))
	d.say("  Duplicates      %5d", v.duplicates)
	d.say("")
	d.conclude(v)
}

// withContacts says that each deal has a contact, for the end of a sentence; "" when deals are not made.
func (d *demo) withContacts() string {
	if d.cfg.Target != crmclient.TargetDeal {
		return ""
	}
	return ", each with its contact"
}

// orComment names what becomes of events of persons who came back, for the sentence of the audit; "" if persons are not
// matched, or the events become leads or deals.
func (d *demo) orComment() string {
	if !d.cfg.Match || d.kind() != crmtest.Contacts {
		return ""
	}
	return ", one comment on its person's contact"
}

// conclude prints the outcome of the audit: a sentence, or what is wrong.
func (d *demo) conclude(v verdict) {
	took := time.Since(d.started).Round(100 * time.Millisecond)
	if len(v.problems) == 0 {
		d.say("  Audit passed after %s: broker and CRM agree, every event is exactly one %s%s or one dead letter.", took, v.thing, d.orComment())
		return
	}
	if d.unfinished {
		d.say("  GAVE UP after %s: not every record was delivered yet. What follows is not known to be lost, only not there:", took)
	} else {
		d.say("  AUDIT FAILED after %s: problems found: %d", took, len(v.problems))
	}
	for i, p := range v.problems {
		if i == maxProblems {
			d.say("    … and %d more", len(v.problems)-i)
			break
		}
		d.say("    %s", p)
	}
}

// maxProblems is how many problems are printed.
const maxProblems = 20

// invite prints what can be looked at while the demo stays up.
func (d *demo) invite() {
	d.say("")
	d.say("  Open %s/ and play: a form, trouble in the CRM, dead letters, cards. Ctrl-C ends it.", urlOf(d.kept.playground))
	d.say("")
	d.say("    the page       %s/", urlOf(d.kept.page))
	d.say("    the contacts   %s/", d.crmURL)
	d.say("    how it stands  %s/statusz", d.statusURL)
	d.say("    metrics        %s/metrics", d.statusURL)
	d.say("    Kafka          %s (send events of your own to topic %s)", strings.Join(d.broker.cluster.ListenAddrs(), ","), topic)
}

// meaning explains the reasons of dead letters.
var meaning = map[string]string{
	"MALFORMED_EVENT":   "not a JSON object",
	"TOO_LARGE":         "over 1 MiB",
	"MAPPING_FAILED":    "the mapping program could not read it",
	"NO_CONTACT_POINT":  "no usable phone or e-mail",
	"CRM_REFUSED":       "the CRM does not accept such a contact",
	"MANY_MATCHES":      "several contacts may be its person",
	"RETRIES_EXHAUSTED": "it fails every time while others pass",
	"PROCESSING_FAILED": "it broke the processing",
}
