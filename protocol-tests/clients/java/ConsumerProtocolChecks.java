// Groups of the consumer protocol (KIP-848) and the consumers in them: `java ConsumerProtocolChecks 127.0.0.1:9092 [check ...]`, as Checks.java.

import java.util.*;

public class ConsumerProtocolChecks extends Harness {
    public static void main(String[] args) {
        Map<String, Check> checks = new LinkedHashMap<>();
        checks.put("consumer-protocol-rebalance", ConsumerGroupChecks::rebalance);
        checks.put("consumer-protocol-static-membership", ConsumerGroupChecks::staticMembership);
        checks.put("consumer-protocol-resume", ConsumerGroupChecks::resume);
        checks.put("consumer-protocol-regex", ConsumerGroupChecks::regex);
        checks.put("consumer-protocol-migration", ConsumerGroupChecks::migration);
        checks.put("consumer-protocol-commit-in-listener", ConsumerCallChecks::commitInListener);
        checks.put("consumer-protocol-seek-in-listener", ConsumerCallChecks::seekInListener);
        checks.put("consumer-protocol-lost-in-listener", ConsumerCallChecks::lostInListener);
        checks.put("consumer-protocol-asynchronous-commits", ConsumerCallChecks::asynchronousCommits);
        checks.put("consumer-protocol-wakeup", ConsumerCallChecks::wakeup);
        checks.put("consumer-protocol-close", ConsumerCallChecks::close);
        checks.put("consumer-protocol-seek", ConsumerCallChecks::seek);
        checks.put("consumer-protocol-pause", ConsumerCallChecks::pause);
        checks.put("consumer-protocol-patterns", ConsumerCallChecks::patterns);
        for (String protocol : List.of("classic", "consumer")) {
            checks.put("kip-447-workers-" + protocol, () -> ReadProcessWriteChecks.workersComeAndGo(protocol));
            checks.put("kip-447-generation-" + protocol, () -> ReadProcessWriteChecks.earlierGeneration(protocol));
            checks.put("kip-447-left-" + protocol, () -> ReadProcessWriteChecks.whoHasLeft(protocol));
        }
        checks.put("kip-447-instance", ReadProcessWriteChecks::replacedInstance);
        runAll(args, checks);
    }
}
