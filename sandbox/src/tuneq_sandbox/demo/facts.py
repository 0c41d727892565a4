"""Common knowledge from which questions are made."""

ANIMALS = {
    "mammal": "bat bear beaver camel cat cow deer dog dolphin elephant fox giraffe goat hare horse "
    "koala lion lynx mole moose mouse otter panda pig rabbit seal sheep squirrel tiger wolf",
    "bird": "crane crow duck eagle falcon finch goose gull hawk heron kiwi magpie ostrich owl "
    "parrot pelican penguin pigeon puffin quail raven robin sparrow stork swan toucan turkey wren",
    "fish": "bass carp catfish cod eel flounder goldfish guppy haddock halibut herring mackerel "
    "perch pike plaice salmon sardine shark sole sturgeon sunfish tench trout tuna turbot",
    "reptile": "alligator anaconda boa caiman chameleon cobra crocodile gecko iguana lizard mamba "
    "python rattlesnake skink slowworm terrapin tortoise turtle viper",
    "insect": "ant aphid bee beetle bumblebee butterfly cicada cockroach cricket dragonfly earwig "
    "firefly flea grasshopper hornet ladybird locust mantis mayfly mosquito moth termite wasp",
}
HINTS = {
    "mammal": "Mammals have hair or fur and feed their young with milk.",
    "bird": "Birds have feathers, two wings and a beak.",
    "fish": "Fish live under water and breathe with gills.",
    "reptile": "Reptiles have scaly, waterproof skin.",
    "insect": "Insects have six legs and no backbone.",
}
CAPITALS = {
    "Argentina": "Buenos Aires", "Australia": "Canberra", "Austria": "Vienna", "Bulgaria": "Sofia",
    "Canada": "Ottawa", "Chile": "Santiago", "China": "Beijing", "Colombia": "Bogota",
    "Croatia": "Zagreb", "Cuba": "Havana", "Denmark": "Copenhagen", "Egypt": "Cairo",
    "Ethiopia": "Addis Ababa", "Finland": "Helsinki", "France": "Paris", "Germany": "Berlin",
    "Ghana": "Accra", "Greece": "Athens", "Hungary": "Budapest", "Iceland": "Reykjavik",
    "India": "New Delhi", "Indonesia": "Jakarta", "Iran": "Tehran", "Ireland": "Dublin",
    "Italy": "Rome", "Japan": "Tokyo", "Kenya": "Nairobi", "Latvia": "Riga", "Lebanon": "Beirut",
    "Mexico": "Mexico City", "Mongolia": "Ulaanbaatar", "Morocco": "Rabat", "Nepal": "Kathmandu",
    "Norway": "Oslo", "Peru": "Lima", "Poland": "Warsaw", "Portugal": "Lisbon",
    "Romania": "Bucharest", "Senegal": "Dakar", "Spain": "Madrid", "Sweden": "Stockholm",
    "Thailand": "Bangkok", "Turkey": "Ankara", "Ukraine": "Kyiv", "Uruguay": "Montevideo",
    "Vietnam": "Hanoi",
}  # fmt: skip
OPPOSITES = (
    "early late, empty full, heavy light, near far, open closed, wide narrow, rough smooth, "
    "sharp blunt, loud quiet, brave timid, cheap dear, deep shallow, dry wet, fast slow, high low, "
    "kind cruel, proud humble, rare common, strong weak, thick thin, tidy messy, true false, "
    "warm cool, wild tame, wise foolish, young old, bright dim, bitter sweet, generous mean, "
    "ancient modern, simple complex, guilty innocent, scarce plentiful, rigid flexible"
)
PEOPLE = (
    "Ada Amir Bea Boris Carla Chen Dora Emil Farah Felix Greta Hana Hugo Ines Ivan Jada Jonas Kira "
    "Lars Leila Luca Mara Milo Nadia Noor Olga Otto Pia Quentin Rosa Samir Tara Umar Vera Yuki Zoe"
)
VERBS = {
    "paint": ("painted", "the fence"), "carry": ("carried", "the basket"),
    "clean": ("cleaned", "the kitchen"), "climb": ("climbed", "the hill"),
    "cook": ("cooked", "the soup"), "fold": ("folded", "the letter"),
    "help": ("helped", "the neighbour"), "kick": ("kicked", "the ball"),
    "mend": ("mended", "the bicycle"), "open": ("opened", "the window"),
    "pack": ("packed", "the suitcase"), "plant": ("planted", "the tree"),
    "play": ("played", "the violin"), "pull": ("pulled", "the sledge"),
    "visit": ("visited", "the museum"), "wash": ("washed", "the car"),
    "water": ("watered", "the garden"), "wrap": ("wrapped", "the present"),
}  # fmt: skip
