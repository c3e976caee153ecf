package dependency;

/** A class that is only in a dependency jar. */
public final class Word {
    public static String shout(String text) {
        return text.toUpperCase();
    }

    private Word() {}
}
