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
        runAll(args, checks);
    }
}
